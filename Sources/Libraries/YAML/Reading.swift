/// Reads a tree into the values a room runs on, and collects every mistake on the way instead of stopping at the first.
///
/// A method that can't read its node records why and gives nil; whoever asked goes on with the rest, and makes the
/// final value only when `succeeded`:
/// ```swift
/// let reading = Reading()
/// let file = reading.fields(of: root, "the configuration", ["komainu", "listen", "state"])
/// let listen = file?.required("listen", reading.text)
/// let size = file?.optional("size") { reading.int($0, in: 1...100) }
/// guard let listen, reading.succeeded else { throw ConfigurationFailure(problems: reading.problems) }
/// ```
/// An absent optional field and one that was wrong are both nil; `succeeded` tells them apart.
public final class Reading {
    /// Everything found so far, in the order it was found.
    public private(set) var problems: [Problem]

    /// A reading that has found nothing yet.
    public init() {
        problems = []
    }

    /// Whether what was read may be used: nothing worse than a warning.
    public var succeeded: Bool { !problems.contains { $0.severity == .mistake } }

    /// The problems in the order of the file.
    public var problemsInOrder: [Problem] {
        problems.sorted { ($0.file, $0.line, $0.column) < ($1.file, $1.line, $1.column) }
    }

    /// Records something that forbids using the file.
    public func mistake(_ node: Node, _ message: String, hint: String? = nil) {
        problems.append(Problem(.mistake, at: node, message, hint: hint))
    }

    /// Records something that is probably not meant.
    public func warning(_ node: Node, _ message: String, hint: String? = nil) {
        problems.append(Problem(.warning, at: node, message, hint: hint))
    }

    /// Records a problem found elsewhere.
    public func report(_ problem: Problem) {
        problems.append(problem)
    }

    /// The fields of a mapping. Unknown keys are mistakes, with the nearest known one as a suggestion; so are keys without
    /// a value: `who:` with everything below it commented out must not mean anyone.
    ///
    /// - Parameters:
    ///   - what: What the mapping is, with its article: `an upstream`.
    ///   - nullable: Keys for which `null` is a value like any other.
    public func fields(of node: Node, _ what: String, _ known: [String], nullable: [String] = []) -> Fields? {
        guard let entries = node.entries else {
            mistake(node, "\(what) must be a mapping with \(listed(known)), not \(node.kindForPeople)")
            return nil
        }
        for entry in entries where !known.contains(where: { $0.utf8.elementsEqual(entry.name.utf8) }) {
            mistake(
                entry.key, "unknown key `\(entry.name)` in \(what)", hint: suggestion(for: entry.name, among: known))
        }
        for entry in entries where entry.value.scalar?.isNull == true && !nullable.contains(entry.name) {
            mistake(entry.key, "`\(entry.name)` has no value", hint: "remove the key or give it one")
        }
        return Fields(node: node, what: what, reading: self)
    }

    /// The elements of a list, which may be empty.
    public func list(_ node: Node) -> [Node]? {
        if let elements = node.elements { return elements }
        mistake(node, "expected a list, found \(node.kindForPeople)", hint: "put it in brackets")
        return nil
    }

    /// Every element read by the same reader; nil when any of them couldn't be read.
    public func list<Value>(of read: @escaping (Node) -> Value?) -> (Node) -> [Value]? {
        { node in
            guard let elements = self.list(node) else { return nil }
            let values = elements.map(read)
            let good = values.compactMap { $0 }
            return good.count == values.count ? good : nil
        }
    }
}

/// The fields of one mapping whose keys were checked.
public struct Fields {
    /// The mapping itself.
    public let node: Node
    let what: String
    let reading: Reading

    /// A field that must be there and have a value.
    public func required<Value>(_ key: String, _ read: (Node) -> Value?) -> Value? {
        if let value = self[key] { return read(value) }
        reading.mistake(node, "\(what) needs `\(key)`")
        return nil
    }

    /// A field that may be absent.
    public func optional<Value>(_ key: String, _ read: (Node) -> Value?) -> Value? {
        self[key].flatMap(read)
    }

    /// A field that may be absent, with the value it then has. A wrong value gives the default and a mistake.
    public func optional<Value>(_ key: String, default value: Value, _ read: (Node) -> Value?) -> Value {
        self[key].flatMap(read) ?? value
    }

    /// Whether the field is there and has a value.
    public func has(_ key: String) -> Bool { self[key] != nil }

    /// The field's node, when it is there and has a value.
    public subscript(_ key: String) -> Node? {
        guard let value = node.value(of: key), value.scalar?.isNull != true else { return nil }
        return value
    }
}
