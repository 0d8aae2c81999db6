import System
public import TransparencyLog

/// What `komainu audit` does, for whoever has the trail's directory: each function writes its answer through `write` and gives
/// the program's exit code. None of them changes a byte of the trail.
public enum AuditCommands {
    /// Checks the whole trail. 0 verified; 1 tampered, forked, rolled back or truncated; 3 something needed is missing; 4 verified
    /// with warnings.
    ///
    /// - Parameters:
    ///   - key: the log's key from elsewhere (`vkey`); without it the one is believed that the directory names.
    ///   - outside: checkpoints that were kept elsewhere, such as the anchor.
    ///   - progress: told now and then how many bytes of how many are read.
    public static func verify(
        directory: String, key: NoteKey? = nil, outside: [VerifyReport.Outside] = [], json: Bool,
        progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in },
        write: ([UInt8]) -> Void
    ) -> Int32 {
        let report = verify(directory: directory, key: key, outside: outside, progress: progress)
        write(json ? report.json() : Array(report.text().utf8))
        return report.exitCode
    }

    /// Checks the whole trail, for callers in this process.
    public static func verify(
        directory: String, key: NoteKey? = nil, outside: [VerifyReport.Outside] = [],
        progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) -> VerifyReport {
        AuditVerifier.verify(directory, key: key, outside: outside, progress: progress)
    }

    /// Shows the records that a filter admits: as JSON exactly the trail's lines, else one sentence each.
    ///
    /// What is shown is not verified. 0, or 3 when something could not be read; that is then said in the last line.
    /// - Parameter keys: the folder of the log's keys: with it subjects can be named, and are shown with their names.
    public static func query(
        directory: String, filter: AuditFilter, json: Bool, keys: String? = nil, write: ([UInt8]) -> Void
    ) -> Int32 {
        follow(directory, filter, json, keys, until: { true }, write)
    }

    /// Shows the last records, and with `follow` those that come, until `isOver` says so.
    ///
    /// - Parameter isOver: asked at least five times a second.
    public static func tail(
        directory: String, filter: AuditFilter, json: Bool, follow: Bool, keys: String? = nil,
        isOver: () -> Bool = { false }, write: ([UInt8]) -> Void
    ) -> Int32 {
        var filter = filter
        if filter.last == nil { filter.last = 10 }
        return self.follow(directory, filter, json, keys, until: { !follow || isOver() }, write)
    }

    private static func follow(
        _ directory: String, _ filter: AuditFilter, _ json: Bool, _ keys: String?, until isOver: () -> Bool,
        _ write: ([UInt8]) -> Void
    ) -> Int32 {
        do throws(SystemFailure) {
            let names =
                try keys.flatMap { folder throws(SystemFailure) in try KeyFile.content(of: folder)?.names } ?? [:]
            var query = AuditQuery(directory, filter, json: json, names: names)
            try query.run(write)
            let pause = Bell()
            while !query.isFull, !isOver() {
                pause.wait(until: .now + .milliseconds(200))
                try query.run(write)
            }
            if query.unreadable > 0, !json {
                write(Array("\(query.unreadable) lines could not be read: run `komainu audit verify`\n".utf8))
            }
            return query.unreadable > 0 ? 3 : 0
        } catch {
            write(Array("\(TerminalText.of(error.description))\n".utf8))
            return 3
        }
    }
}
