public import Bytes

/// Changes to make while a document is written. The document itself never changes.
///
/// An edit within something that is replaced or removed has no effect. Nodes are of the document that is written.
public struct JSONEdits: Sendable {
    enum Change: Sendable {
        case replace([UInt8])
        case text([UInt8])
        case remove
        case append(member: ByteString, encoded: [UInt8])
    }

    struct Edit: Sendable {
        let node: JSONDocument.Node
        let change: Change

        var isRemoval: Bool {
            if case .remove = change { true } else { false }
        }

        var isReplacement: Bool {
            switch change {
            case .replace, .text: true
            case .remove, .append: false
            }
        }

        /// Appends what stands in the node's place; only of replacements.
        func write(into out: inout [UInt8]) {
            switch change {
            case .replace(let encoded): out.append(contentsOf: encoded)
            case .text(let bytes): appendString(bytes, to: &out)
            case .remove, .append: break
            }
        }

        /// The same within a string: escaped once more.
        func writeEscaped(into out: inout [UInt8]) {
            if case .text(let bytes) = change, endOfPlainRun(bytes.span, from: 0) == bytes.count {
                return out.append(addingCapacity: bytes.count + 4) { out in
                    out.append(0x5c)
                    out.append(0x22)
                    for byte in bytes { out.append(byte) }
                    out.append(0x5c)
                    out.append(0x22)
                }
            }
            var plain: [UInt8] = []
            write(into: &plain)
            appendContent(plain, to: &out)
        }
    }

    private(set) var edits: [Edit] = []
    /// Bytes that replacements and additions will take.
    private(set) var encodedCount = 0
    private var isSorted = true

    /// No changes.
    public static let none = JSONEdits()

    /// No changes yet.
    public init() {}

    /// Whether there are no changes.
    public var isEmpty: Bool { edits.isEmpty }

    /// How many changes there are.
    public var count: Int { edits.count }

    /// Writes `encoded`, which must be one JSON value, in this value's place. For a member's name it must be a string, and
    /// no other name of that object. Of two replacements of one node the first counts; a removal counts before both.
    public mutating func replace(_ node: JSONDocument.Node, with encoded: [UInt8]) {
        encodedCount += encoded.count
        add(Edit(node: node, change: .replace(encoded)))
    }

    /// Writes a string with these bytes in this value's, or name's, place. Bytes that are not UTF-8 become U+FFFD.
    public mutating func replace(_ node: JSONDocument.Node, withText bytes: [UInt8]) {
        encodedCount += bytes.count + 2
        add(Edit(node: node, change: .text(bytes)))
    }

    /// Leaves out an element, or a member with its name (whichever of the two nodes is given). The root cannot be left out: it becomes `null`.
    public mutating func remove(_ value: JSONDocument.Node) {
        add(Edit(node: value, change: .remove))
    }

    /// Writes one more member at the end of an object, which must not have one of that name already.
    public mutating func append(to object: JSONDocument.Node, member: ByteString, encoded: [UInt8]) {
        encodedCount += encoded.count + member.count + 4
        add(Edit(node: object, change: .append(member: member, encoded: encoded)))
    }

    /// These changes and then those of another: of two replacements of one node, these count.
    public func merging(_ other: JSONEdits) -> JSONEdits {
        guard !other.isEmpty else { return self }
        guard !isEmpty else { return other }
        var merged = self
        for edit in other.edits { merged.add(edit) }
        merged.encodedCount += other.encodedCount
        return merged
    }

    private mutating func add(_ edit: Edit) {
        if let last = edits.last, edit.node < last.node { isSorted = false }
        edits.append(edit)
    }

    /// In the order of the text; edits of one node in the order they were made.
    func sorted() -> [Edit] {
        guard !isSorted else { return edits }
        // Node above, turn below: one number tells the order.
        var order: [UInt64] = []
        order.reserveCapacity(edits.count)
        for index in edits.indices { order.append(UInt64(edits[index].node.index) << 32 | UInt64(index)) }
        order.sort()
        return order.map { edits[Int($0 & 0xffff_ffff)] }
    }
}
