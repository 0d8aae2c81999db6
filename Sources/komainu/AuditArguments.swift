import Audit
import Bytes
import Commands
import Configuration
import TransparencyLog

/// What the commands about the trail take.
enum AuditArguments {
    static let directory = Operand(
        "DIRECTORY", "the trail; the configuration's when left out", isOptional: true, completion: .directories)
    static let keys = Option.value(
        "keys", "DIR", "the folder of the log's keys, to show and ask for people by name", completion: .directories)
    static let json = Option.flag("json", "the records exactly as they stand in the trail")

    static let key = key(isRequired: false)
    static let requiredKey = key(isRequired: true)

    private static func key(isRequired: Bool) -> Option {
        .value(
            "key", "VKEY", "the log's public key, as its operator published it and `log.json` names it (`vkey`)",
            isRequired: isRequired)
    }

    /// The key that was given, if one was; what is none is recorded.
    static func key(_ arguments: inout Arguments) -> NoteKey? {
        guard let text = arguments.value("key") else { return nil }
        if let key = NoteKey(ByteString(text)) { return key }
        arguments.mistake("`--key \(text)` isn't a log's key, such as `mcp.example.com/audit+530d903a+AekyeRrm56hA...`")
        return nil
    }

    /// The conditions, by the names that the audit room gives them.
    static let conditions: [Option] = [
        .value("who", "SUBJECT", "whose; a pseudonym, or with the keys a name"),
        .value("tool", "TOOL", "TOOL or UPSTREAM.TOOL; `*` stands for anything"),
        .value("effect", "EFFECT", "what the tool does", completion: .words(["read", "write", "destructive"])),
        .value("decision", "WORD", "what was decided", completion: .words(["allow", "deny", "hold", "modify"])),
        .value("kind", "KIND", "such as call.denied, call.*, auth.failed, admin.action"),
        .value("rule", "RULE", "decided by this rule"),
        .value("cid", "ID", "of this call"),
        .value("since", "TIME", "from then on: 2026-11-20T09:30:00Z, 2026-11-20, or so long ago: 15m, 2h, 7d"),
        .value("until", "TIME", "before then, written alike"),
        .value("text", "TEXT", "with this text anywhere"),
    ]

    /// The trail that is meant: the one named, else the configuration's.
    static func directory(_ arguments: Arguments) -> TrailPlace {
        arguments.operand(0).map { .directory($0) } ?? .configuration(arguments.configurationPath)
    }

    /// The filter that the conditions make; what can't be understood is recorded.
    static func filter(_ arguments: inout Arguments, more: [String] = []) -> AuditFilter {
        var filter = AuditFilter()
        for name in conditions.map(\.name) + more {
            guard let value = arguments.value(name) else { continue }
            do throws(AuditFilter.Failure) {
                try filter.set(name, value)
            } catch {
                arguments.mistake("`--\(name) \(value)` isn't \(error.expected)")
            }
        }
        return filter
    }
}

/// Where a trail is.
enum TrailPlace {
    case directory(String)
    case configuration(String)

    func path() throws(ProgramFailure) -> String {
        switch self {
        case .directory(let path): return path
        case .configuration(let file):
            do throws(ConfigurationFailure) {
                return try Configuration.load(file).audit.directory
            } catch {
                Console.report(error.problems)
                throw ProgramFailure("name the trail's directory, or mend the configuration", code: .usage)
            }
        }
    }
}
