public import Bytes
import YAML

/// A named way to redact results, as the policy wrote it. The Redaction room does it.
public struct RedactionGroup: Hashable, Sendable {
    /// What to look for and what to make of it.
    public enum Step: Hashable, Sendable {
        /// Values by where they stand.
        case fields([FieldPath], Way)
        /// Values by what they look like, wherever they stand, prose included.
        case detect([Detector], Way)
    }

    /// The name that rules use.
    public let name: ByteString
    /// In the order of the file: the first step that is about a value decides.
    public let steps: [Step]
}

/// What becomes of a redacted value (design 1.8).
public enum Way: String, Hashable, Sendable, CaseIterable {
    /// Replaced by a fixed mask of the same type.
    case mask
    /// The type's zero: 0, "", false, [], {}.
    case zero
    /// The member or element is left out.
    case remove
    /// `null`.
    case null
    /// A keyed hash.
    case hash
    /// The beginning and the end are kept.
    case partial
    /// Keyed, stable per upstream, in the value's own shape.
    case pseudonym
    /// The whole result is withheld.
    case withhold
}

/// What a value can look like.
public enum Detector: String, Hashable, Sendable, CaseIterable {
    /// An e-mail address.
    case email
    /// A telephone number.
    case phone
    /// An IBAN with a right check sum.
    case iban
    /// A payment card number with a right check digit.
    case card
    /// A signed or encrypted token in compact form (RFC 7515, RFC 7516).
    case jwt
    /// A key or token by its known prefix or its randomness beside a telling name.
    case secret
    /// An IPv4 or IPv6 address.
    case ip
    /// An Ethernet address.
    case mac
    /// A number that a state gives to persons.
    case nationalID = "national_id"
    /// An address or key of a crypto currency.
    case wallet
}

extension RedactionGroup {
    init?(_ entry: Entry, _ reading: Reading) {
        guard let nodes = reading.list(entry.value) else { return nil }
        if nodes.isEmpty { reading.mistake(entry.value, "the redaction group `\(entry.name)` has no steps") }
        name = entry.key.scalar?.bytes ?? ""
        steps = nodes.compactMap { Self.step($0, reading) }
    }

    private static func step(_ node: Node, _ reading: Reading) -> Step? {
        guard let fields = reading.fields(of: node, "a redaction step", ["fields", "detect", "as"]) else { return nil }
        let way = fields.required("as") { Self.word($0, Way.allCases, reading) }
        if fields.has("fields") == fields.has("detect") {
            reading.mistake(node, "a redaction step needs either `fields` or `detect`")
            return nil
        }
        let paths = fields.optional("fields") { Self.list($0, reading) { path($0, reading) } }
        let detectors = fields.optional("detect") { Self.list($0, reading) { word($0, Detector.allCases, reading) } }
        guard let way else { return nil }
        return paths.map { .fields($0, way) } ?? detectors.map { .detect($0, way) }
    }

    private static func list<Value>(_ node: Node, _ reading: Reading, _ read: (Node) -> Value?) -> [Value]? {
        guard let nodes = reading.list(node) else { return nil }
        if nodes.isEmpty { reading.mistake(node, "the list is empty") }
        return nodes.compactMap(read)
    }

    private static func path(_ node: Node, _ reading: Reading) -> FieldPath? {
        guard let text = reading.name(node) else { return nil }
        if let path = FieldPath(text) { return path }
        reading.mistake(
            node, "`\(text.text)` is not a field path", hint: "write it as `**.email`, `owner.name` or `**.emails[*]`")
        return nil
    }

    private static func word<Value: RawRepresentable<String>>(
        _ node: Node, _ all: [Value], _ reading: Reading
    ) -> Value? {
        guard let word = reading.text(node) else { return nil }
        if let value = Value(rawValue: word) { return value }
        let known = all.map(\.rawValue)
        reading.mistake(
            node, "unknown word `\(word)`", hint: suggestion(for: word, among: known) ?? "use \(listed(known, "or"))")
        return nil
    }
}
