import Bytes

extension JSONDocument {
    /// Writes a value anew: no white space, strings with only the escapes they need, numbers as they were written, members
    /// in their order, and `edits` made. The same document always gives the same bytes.
    public func write(_ node: Node, editing edits: JSONEdits = .none, into out: inout [UInt8]) {
        let outer = entry(node)
        let size = outer.outerRange.count
        out.reserveCapacity(out.count + size + size / 8)
        if edits.isEmpty, !outer.has(.loose) {
            out.append(contentsOf: bytes[outer.outerRange])
            return
        }
        var rewriter = Rewriter(document: self, edits: edits.sorted())
        rewriter.write(Int(node.index), into: &out)
    }

    /// The same as new bytes.
    public func encoded(_ node: Node, editing edits: JSONEdits = .none) -> [UInt8] {
        var out: [UInt8] = []
        write(node, editing: edits, into: &out)
        return out
    }
}

/// Writes what cannot be copied as it stands.
private struct Rewriter {
    let document: JSONDocument
    let edits: [JSONEdits.Edit]
    /// The first edit not yet passed. Edits are in the order of the text, and so is writing.
    var nextEdit = 0

    mutating func write(_ index: Int, into out: inout [UInt8]) {
        skipEdits(before: index)
        if let change = replacement(at: index) {
            if case .replace(let encoded) = change { out += encoded } else { out += [0x6e, 0x75, 0x6c, 0x6c] }
            return
        }
        writeKept(index, into: &out)
    }

    private mutating func writeKept(_ index: Int, into out: inout [UInt8]) {
        let entry = document.tape[index]
        if !entry.has(.loose), !hasEdits(before: Int(entry.next), name: entry.has(.name)) {
            out.append(contentsOf: document.bytes[entry.outerRange])
            return
        }
        switch entry.kind {
        case .object: writeObject(index, entry, into: &out)
        case .array: writeArray(index, entry, into: &out)
        case .string: appendString(decoded(document.bytes.span.extracting(entry.range)), to: &out)
        case .null, .bool, .number: out.append(contentsOf: document.bytes[entry.range])
        }
    }

    private mutating func writeArray(_ index: Int, _ entry: TapeEntry, into out: inout [UInt8]) {
        out.append(0x5b)
        var isFirst = true
        var element = index + 1
        for _ in 0..<entry.count {
            skipEdits(before: element)
            if !isRemoved(element) {
                if !isFirst { out.append(0x2c) }
                isFirst = false
                write(element, into: &out)
            }
            element = document.after(element)
        }
        out.append(0x5d)
    }

    private mutating func writeObject(_ index: Int, _ entry: TapeEntry, into out: inout [UInt8]) {
        let additions = takeAdditions(at: index)
        out.append(0x7b)
        var isFirst = true
        var name = index + 1
        for _ in 0..<entry.count {
            skipEdits(before: name)
            let value = name + 1
            if !isRemoved(name), !isRemoved(value) {
                if !isFirst { out.append(0x2c) }
                isFirst = false
                write(name, into: &out)
                out.append(0x3a)
                write(value, into: &out)
            }
            name = document.after(value)
        }
        for case .append(let member, let encoded) in additions {
            if !isFirst { out.append(0x2c) }
            isFirst = false
            appendString(member.bytes, to: &out)
            out.append(0x3a)
            out += encoded
        }
        out.append(0x7d)
    }

    // MARK: Edits

    private mutating func skipEdits(before index: Int) {
        while nextEdit < edits.count, edits[nextEdit].node.index < index { nextEdit += 1 }
    }

    /// Whether an edit remains within the value that ends before `end`.
    private func hasEdits(before end: Int, name: Bool) -> Bool {
        !name && nextEdit < edits.count && edits[nextEdit].node.index < end
    }

    /// The replacement or removal of the value at `index`.
    private func replacement(at index: Int) -> JSONEdits.Change? {
        for edit in edits[nextEdit...].prefix(while: { $0.node.index == index }) {
            if case .append = edit.change { continue }
            return edit.change
        }
        return nil
    }

    private func isRemoved(_ index: Int) -> Bool {
        var place = nextEdit
        while place < edits.count, edits[place].node.index < index { place += 1 }
        while place < edits.count, edits[place].node.index == index {
            if case .remove = edits[place].change { return true }
            place += 1
        }
        return false
    }

    private mutating func takeAdditions(at index: Int) -> [JSONEdits.Change] {
        let additions = edits[nextEdit...].prefix { $0.node.index == index }
        nextEdit += additions.count
        return additions.map(\.change)
    }
}
