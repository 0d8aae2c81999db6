/// What the program says to the shell when it ends.
public enum ExitCode: Int32, Sendable {
    /// It is so, or it was done.
    case yes = 0
    /// It is not so: tampered, denied, drifted, failed.
    case no = 1
    /// The command or the configuration is wrong.
    case usage = 2
    /// It could not be told: something needed is missing.
    case unknown = 3
    /// It is so, and there is something to look at.
    case warnings = 4
}
