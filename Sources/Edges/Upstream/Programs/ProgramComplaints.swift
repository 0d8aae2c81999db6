internal import Bytes
internal import Reactor
internal import System
internal import Telemetry

/// What a program writes to its standard error, on its way to the log: line by line, labelled, without our secrets, and no more
/// than a log can bear. All of it is read, so that the program never waits for us.
final class ProgramComplaints {
    private let settings: ProgramSettings
    private let process: Int32
    private var splitter = LineSplitter(limit: 2_000)
    private var span = 0
    private var lines = 0
    private var dropped = 0

    /// Lines in ten seconds.
    private static let lineLimit = 50

    init(_ settings: ProgramSettings, process: Int32) {
        self.settings = settings
        self.process = process
    }

    func read(_ stream: ByteStream) async {
        while true {
            var bytes: [UInt8] = []
            guard let count = try? await stream.read(into: &bytes, atMost: 1 << 14, deadline: nil), count > 0 else {
                break
            }
            for line in splitter.feed(bytes.span) { take(line) }
        }
        tellDropped()
    }

    private func take(_ line: LineSplitter.Line) {
        let now = Int(MonotonicTime.now.nanoseconds / 10_000_000_000)
        if now != span {
            tellDropped()
            (span, lines) = (now, 0)
        }
        guard lines < ProgramComplaints.lineLimit else {
            dropped += 1
            return
        }
        lines += 1
        let text: [UInt8] =
            switch line {
            case .whole(let bytes): ProgramComplaints.without(settings.secrets, bytes)
            case .tooLong: Array("(a line of more than 2000 bytes)".utf8)
            }
        Log.info(
            "upstream.stderr", ["upstream": .text(settings.name), "process": .int(process), "line": .text(text)])
    }

    private func tellDropped() {
        guard dropped > 0 else { return }
        Log.info(
            "upstream.stderr_dropped",
            ["upstream": .text(settings.name), "process": .int(process), "lines": .int(dropped)])
        dropped = 0
    }

    /// A line with every secret that stands in it replaced.
    static func without(_ secrets: [[UInt8]], _ line: [UInt8]) -> [UInt8] {
        var line = line
        // The longest first: one may be a part of another.
        for secret in secrets.sorted(by: { $0.count > $1.count }) where secret.count >= 4 {
            var kept: [UInt8] = []
            var index = 0
            while index < line.count {
                if line[index...].starts(with: secret) {
                    kept += Array("[secret]".utf8)
                    index += secret.count
                } else {
                    kept.append(line[index])
                    index += 1
                }
            }
            line = kept
        }
        return line
    }
}
