import Bytes

/// Reads a tool's name by the four grammars in use around Torii: verb first (`list_apps`, `list_all_torii_apps`,
/// `create_a_torii_app`), verb after the product (`torii_list_apps`), verb last (`apps.list`), and the first two with
/// hyphens (`torii-list-apps`). A name is a hint: it can raise a tool's effect and draw a warning, never classify.
struct NameGrammar {
    /// Where the verb stood.
    enum Form: String, Hashable, Sendable {
        case prefix, infix, suffix, kebab
    }

    /// What a name says.
    struct Reading: Hashable, Sendable {
        let form: Form
        let verb: String
        let method: ByteString
        let effect: Effect
    }

    /// What the name says; nil when no grammar finds a verb in its place.
    ///
    /// A second verb after `and` counts too: `get_and_purge_users` purges.
    static func read(_ name: ByteString) -> Reading? {
        let words = words(of: name)
        guard let first = first(words, name) else { return nil }
        let others = zip(words, words.dropFirst()).filter { $0.0 == "and" }.compactMap { reading($0.1, first.form) }
        return others.filter { $0.effect > first.effect }.max { $0.effect < $1.effect } ?? first
    }

    private static func first(_ words: [String], _ name: ByteString) -> Reading? {
        let isKebab = name.bytes.contains(UInt8(ascii: "-"))
        let isDotted = name.bytes.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }
        if isDotted, let reading = reading(words.last, .suffix) { return reading }
        if let reading = reading(words.first, isKebab ? .kebab : .prefix) { return reading }
        if words.count > 2, let reading = reading(words[1], isKebab ? .kebab : .infix) { return reading }
        return words.count > 1 ? reading(words.last, .suffix) : nil
    }

    private static func reading(_ word: String?, _ form: Form) -> Reading? {
        guard let word, let meaning = verbs[word] else { return nil }
        return Reading(form: form, verb: word, method: meaning.method, effect: meaning.effect)
    }

    /// The words in lower case, split at punctuation and where a capital follows a small letter.
    private static func words(of name: ByteString) -> [String] {
        var words: [[UInt8]] = [[]]
        var wasSmall = false
        for byte in name.bytes {
            let isCapital = (0x41...0x5A).contains(byte)
            if [0x2D, 0x2E, 0x2F, 0x5F].contains(byte) {
                words.append([])
            } else {
                if isCapital, wasSmall { words.append([]) }
                words[words.count - 1].append(isCapital ? byte | 0x20 : byte)
            }
            wasSmall = (0x61...0x7A).contains(byte)
        }
        return words.filter { !$0.isEmpty }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// HTTP's own verbs are left out: at Torii a POST matches applications and a GET hands out an upload URL.
    private static let verbs: [String: (method: ByteString, effect: Effect)] = [
        "list": ("list", .read), "get": ("get", .read), "read": ("get", .read), "fetch": ("get", .read),
        "show": ("get", .read), "describe": ("get", .read), "search": ("search", .read), "find": ("search", .read),
        "match": ("match", .read), "discover": ("discover", .read), "download": ("download", .read),
        "create": ("create", .write), "add": ("create", .write), "insert": ("create", .write),
        "update": ("update", .write), "edit": ("update", .write), "set": ("update", .write),
        "write": ("update", .write), "upload": ("upload", .write), "send": ("send", .write),
        "run": ("run", .write), "trigger": ("run", .write), "execute": ("run", .write), "invite": ("create", .write),
        "assign": ("update", .write), "import": ("import", .write), "merge": ("merge", .write),
        "delete": ("delete", .destructive), "remove": ("delete", .destructive), "destroy": ("delete", .destructive),
        "purge": ("delete", .destructive), "erase": ("delete", .destructive), "wipe": ("delete", .destructive),
        "drop": ("delete", .destructive), "revoke": ("revoke", .destructive),
        "anonymize": ("anonymize", .destructive), "deactivate": ("update", .destructive),
        "deprovision": ("update", .destructive), "offboard": ("update", .destructive),
    ]
}
