import Bytes
import System

/// Keeps what strangers can cause as often as they like from filling the trail: of each source and reason, the first is
/// recorded at once and the others of the same ten seconds are counted into one record.
///
/// At most `sources` of them are told apart at a time; what more come are counted together, by reason.
struct Coalescer {
    private struct Key: Hashable {
        let source: ByteString?
        let reason: ByteString
    }

    private struct Window {
        let kind: AuditKind
        let since: Moment
        var more = 0
    }

    private var windows: [Key: Window] = [:]

    /// How long occurrences are counted together.
    static let window: Int64 = 10_000_000_000
    /// How many sources are told apart.
    static let sources = 1_024

    /// Counts an occurrence; true when it is the one to be recorded.
    mutating func isFirst(_ kind: AuditKind, source: ByteString, reason: ByteString, at moment: Moment) -> Bool {
        var key = Key(source: source, reason: reason)
        if windows[key] == nil, windows.count >= Coalescer.sources { key = Key(source: nil, reason: reason) }
        if windows[key] != nil {
            windows[key]?.more += 1
            return false
        }
        windows[key] = Window(kind: kind, since: moment, more: key.source == nil ? 1 : 0)
        return key.source != nil
    }

    /// The counts of windows that are over, or of all.
    mutating func finished(at moment: Moment, all: Bool = false) -> [AuditRecord] {
        var records: [AuditRecord] = []
        for (key, window) in windows where all || moment.monotonic - window.since.monotonic >= Coalescer.window {
            windows[key] = nil
            if window.more == 0 { continue }
            var record = AuditRecord(window.kind)
            record.via = key.source.map { AuditRecord.Via(address: $0) }
            record.facts = [
                ("reason", .text(key.reason)), ("count", .int(window.more)),
                ("since", .text(ByteString(window.since.wall.rfc3339(fractionDigits: 9)))),
            ]
            if key.source == nil { record.facts.append(("sources", .text("many"))) }
            records.append(record)
        }
        return records
    }
}
