import Bytes
import JSON
import System

/// One record as a sentence for a reviewer who knows neither JSON nor our names.
struct PlainSentence {
    /// What the log's keys know about its subjects: pseudonym to name. Empty for readers without the keys.
    let names: [ByteString: ByteString]

    /// Such as `2026-11-20 16:40:26.178Z       17  alice (claude-code) called torii.list_apps: allowed by dashboard-reads`.
    func of(_ line: TrailLine) -> String {
        let time = line.wall.rfc3339(fractionDigits: 3).split(separator: "T").joined(separator: " ")
        let number = String(line.sequence)
        let padding = String(repeating: " ", count: max(1, 9 - number.utf8.count))
        return TerminalText.of("\(time)\(padding)\(number)  \(sentence(line))")
    }

    private func sentence(_ line: TrailLine) -> String {
        let record = line.document
        switch line.kind {
        case .callIntent: return "\(who(record)) called \(tool(record))\(decided(record))\(redacted(record))"
        case .callDenied: return "\(who(record)) was refused \(tool(record))\(decided(record))"
        case .callOutcome: return "call \(line.of ?? 0) ended: \(ended(record))\(redacted(record))"
        case .callOrphaned:
            let why =
                record.text("info", "why")?.text == "refused" ? "it was refused in the end" : "the program stopped"
            return "call \(line.of ?? 0) has no known outcome: \(why)"
        case .listServed: return "\(who(record)) was shown the tools of \(server(record))\(facts(record, ": "))"
        case .authFailed: return "\(source(record)) was not let in\(facts(record, ": "))"
        case .requestRefused: return "a broken request from \(source(record)) was refused\(facts(record, ": "))"
        case .adminAction: return "\(who(record)) changed something\(facts(record, ": "))"
        default: return (Self.phrases[line.kind] ?? line.kind.rawValue) + facts(record, ": ")
        }
    }

    private static let phrases: [AuditKind: String] = [
        .logOpened: "the log was opened", .logClosed: "the log was closed", .logHeartbeat: "the log is well",
        .logRecovered: "the log was recovered after an unclean stop", .logSuspended: "the log stopped taking records",
        .logResumed: "the log takes records again", .clockJump: "somebody set the clock",
        .policyLoaded: "a policy was loaded", .configChanged: "the configuration changed",
        .catalogChanged: "a server's tools changed", .serverUp: "a server is reachable",
        .serverDown: "a server is not reachable",
        .connectionOpened: "a connection was opened", .connectionClosed: "a connection was closed",
        .notifyForwarded: "a notification was passed on", .approvalRequested: "approval was asked for",
        .approvalDecided: "approval was decided", .finding: "a detector found something",
    ]

    private func who(_ record: JSONDocument) -> String {
        guard let subject = record.text("who", "sub") else { return source(record) }
        let client = record.text("via", "client").map { " (\($0.text))" } ?? ""
        return (names[subject] ?? subject).text + client
    }

    private func source(_ record: JSONDocument) -> String { record.text("via", "addr")?.text ?? "somebody" }

    private func server(_ record: JSONDocument) -> String { record.text("mcp", "srv")?.text ?? "?" }

    private func tool(_ record: JSONDocument) -> String {
        let name = record.text("mcp", "tool") ?? record.text("mcp", "m") ?? "?"
        return "\(server(record)).\(name.text)"
    }

    private func decided(_ record: JSONDocument) -> String {
        let verdict = record.text("dec", "d")?.text ?? ""
        let rule = record.text("dec", "rule").map { " by \($0.text)" } ?? ""
        let reason = record.text("dec", "why").map { " (\($0.text))" } ?? ""
        let words = ["allow": "allowed", "deny": "denied", "hold": "held", "modify": "allowed with changes"]
        return words[verdict].map { ": \($0)\(rule)\(reason)" } ?? ""
    }

    private func ended(_ record: JSONDocument) -> String {
        var text = record.text("out", "st")?.text ?? "?"
        if let code = record.text("out", "code") { text += " (\(code.text))" }
        if let milliseconds = record.integer("out", "ms") { text += " in \(milliseconds) ms" }
        if let bytes = record.integer("out", "n") { text += ", \(bytes) bytes" }
        return text
    }

    private func redacted(_ record: JSONDocument) -> String {
        guard let list = record.member("red", of: record.root) else { return "" }
        var count: Int64 = 0
        var rules: [String] = []
        for redaction in record.elements(of: list) {
            count += record.member("k", of: redaction).flatMap { record.integer($0) } ?? 0
            if let rule = record.member("r", of: redaction).flatMap({ record.string($0) })?.text, !rules.contains(rule)
            {
                rules.append(rule)
            }
        }
        return ", \(count) \(count == 1 ? "value" : "values") redacted (\(rules.joined(separator: ", ")))"
    }

    private func facts(_ record: JSONDocument, _ prefix: String) -> String {
        guard let info = record.member("info", of: record.root) else { return "" }
        let facts = record.members(of: info).map { name, value in
            let text = record.string(value)?.text ?? String(decoding: record.encoded(value), as: UTF8.self)
            return "\(record.string(name)?.text ?? "?") \(text)"
        }
        return facts.isEmpty ? "" : prefix + facts.joined(separator: ", ")
    }
}
