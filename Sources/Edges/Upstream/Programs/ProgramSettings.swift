public import System

/// A server that is a program, spoken with over its standard streams (MCP's stdio transport).
public struct ProgramSettings: Hashable, Sendable {
    /// The upstream's name, for log lines.
    public var name: String
    /// What is started.
    public var program: Program
    /// What must not stand in a log line, whoever writes it: values of the environment that came from files and variables.
    public var secrets: [[UInt8]] = []
    /// How many of it run at a time: one for each session, and one for all requests without a session. 32: each costs tens of
    /// megabytes.
    public var processes = 32
    /// The longest message it may write.
    public var messageBytes = 16 << 20
    /// How long a stream that owes an answer may be silent.
    public var patience = Duration.seconds(300)
    /// For one answer in all.
    public var total = Duration.seconds(3_600)
    /// A process that nobody has used for so long is ended. Sessions end sooner; this is for those whose beginning failed.
    public var idle = Duration.seconds(3_600)
    /// From the end of its input to SIGTERM, and from there to SIGKILL (2025-06-18, `basic/lifecycle`, "Shutdown").
    public var grace = Duration.seconds(2)

    /// A program that is started in this way.
    public init(name: String, program: Program) {
        self.name = name
        self.program = program
    }
}
