import Bytes
import System
import TransparencyLog

extension TreeCheck {
    /// Compares what is left, and tells the report.
    mutating func finish(
        _ report: inout VerifyReport, pinned: NoteKey?, end: (file: String, offset: Int), isClosed: Bool
    ) {
        for (tile, hashes) in edge.partialTiles { checkFiles(at: tile.full, hashes) }
        if !isBroken, report.problems.isEmpty {
            for statement in statements { explainExcess(statement, end) }
            // A signed checkpoint over more records than there are explains its tiles.
            if !report.isLive, !statements.contains(where: { !$0.isOutside }) {
                for path in excess + unseen.map(\.path) { add(.tampered, path, "there are not so many records") }
            }
            checkKeys(pinned)
            checkPresence(isClosed: isClosed, &report)
        }
        for problem in problems { report.add(problem) }
        if let released, agreed.contains(where: { $0.file == "checkpoint" }) {
            report.signed = released.size
            report.root = released.root.bytes
        }
        report.key = log?.key?.text
    }

    private mutating func explainExcess(_ statement: Statement, _ end: (file: String, offset: Int)) {
        let reason = "the log ends after \(edge.size) records, and \(statement.file) was signed over \(statement.size)"
        add(statement.isOutside ? .rolledBack : .truncated, end.file, reason, offset: end.offset, record: edge.size)
    }

    /// Whether the keys that `log.json` names are those of the trail's own records, and lead to the pinned one.
    private mutating func checkKeys(_ pinned: NoteKey?) {
        guard let log else { return }
        var chain: [ByteString] = []
        for rotation in rotations {
            guard let old = rotation.old, let new = rotation.new else { continue }
            if chain.isEmpty { chain = [old] }
            if chain.last == old { chain.append(new) }
        }
        if chain.isEmpty { chain = openedWith.first.map { [$0] } ?? [] }
        let named = (log.retired.map(\.key) + (log.key.map { [$0] } ?? [])).map { ByteString($0.text) }
        let isPending = log.next.map { chain == named + [ByteString($0.text)] } ?? false
        if !chain.isEmpty, !named.isEmpty, chain != named, !isPending {
            add(.tampered, LogDescription.path, "its keys are not those that the trail's records name")
        }
        if !openedWith.isEmpty, named.isEmpty {
            add(.missing, LogDescription.path, "it names no key, and there was one")
        }
        if let pinned { check(pinned, log) }
    }

    private mutating func check(_ pinned: NoteKey, _ log: LogDescription) {
        var trusted = [pinned]
        for rotation in rotations {
            guard let old = rotation.old.flatMap({ NoteKey($0) }), let new = rotation.new.flatMap({ NoteKey($0) }),
                trusted.contains(old), !trusted.contains(new)
            else { continue }
            if agreed.contains(where: { $0.size > rotation.record && $0.isSigned(by: old) }) { trusted.append(new) }
        }
        guard let newest = agreed.last(where: { !$0.isOutside }) else {
            add(.missing, "checkpoint", "nothing is signed, by the given key or another")
            return
        }
        if !trusted.contains(where: { newest.isSigned(by: $0) }) {
            add(.tampered, newest.file, "neither the given key nor one that it handed over to signed it")
        }
    }

    private mutating func checkPresence(isClosed: Bool, _ report: inout VerifyReport) {
        guard log?.key != nil, edge.size > 0 else { return }
        guard let released else {
            if problems.contains(where: { $0.file == "checkpoint" }) { return }
            if isClosed || openedWith.count > 1 || !files.kept.isEmpty {
                add(.missing, "checkpoint", "it is not there")
            } else if !report.isLive {
                report.warn("no record is signed yet: the log stopped before its first checkpoint")
            }
            return
        }
        if isClosed, released.size < edge.size, !report.isLive {
            report.warn("the last \(edge.size - released.size) records are covered by no checkpoint")
        }
    }
}

extension TreeCheck.Statement {
    func isSigned(by key: NoteKey) -> Bool {
        guard let note = SignedNote(verified.note), case .signed = key.finding(in: note) else { return false }
        return true
    }
}
