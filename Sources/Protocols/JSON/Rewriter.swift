import Bytes

/// Writes a value whose text is not what we would write: value by value, though parts that are as we want them are copied.
struct Rewriter {
    private let document: JSONDocument
    private let edits: [JSONEdits.Edit]
    /// The first edit not yet passed. Edits are in the order of the text, and so is writing.
    private var nextEdit = 0

    init(document: JSONDocument, edits: [JSONEdits.Edit]) {
        self.document = document
        self.edits = edits
    }

    /// Writes the value, or name, at that place of the tape.
    mutating func write(_ index: Int, into out: inout [UInt8]) {
        if nextEdit < edits.count {
            skipEdits(before: index)
            if writeReplacement(at: index, into: &out) { return }
        }
        let entry = document.tape[index]
        if !entry.has(.loose), entry.has(.name) || !hasEdits(before: Int(entry.next)) {
            document.copyText(of: entry, into: &out)
            return
        }
        switch entry.kind {
        case .object: writeObject(index, entry, into: &out)
        case .array: writeArray(index, entry, into: &out)
        case .string: appendString(decoded(document.bytes.span.extracting(entry.range)), to: &out)
        case .null, .bool, .number: document.copyText(of: entry, into: &out)
        }
    }

    private mutating func writeArray(_ index: Int, _ entry: TapeEntry, into out: inout [UInt8]) {
        out.append(0x5b)
        var isFirst = true
        var element = index + 1
        for _ in 0..<entry.count {
            if !isRemoved(element...element) {
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
            let value = name + 1
            if !isRemoved(name...value) {
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
    private func hasEdits(before end: Int) -> Bool {
        nextEdit < edits.count && edits[nextEdit].node.index < end
    }

    /// Writes what stands in place of the value at `index`, if anything does. Only the root can be removed and still be
    /// written: as `null`.
    private func writeReplacement(at index: Int, into out: inout [UInt8]) -> Bool {
        let here = edits[nextEdit...].prefix { $0.node.index == index }
        if here.contains(where: \.isRemoval) {
            out += [0x6e, 0x75, 0x6c, 0x6c]
            return true
        }
        guard let edit = here.first(where: \.isReplacement) else { return false }
        edit.write(into: &out)
        return true
    }

    /// Whether an element, or a member by its name or its value, is to be left out.
    private mutating func isRemoved(_ places: ClosedRange<Int>) -> Bool {
        guard nextEdit < edits.count else { return false }
        skipEdits(before: places.lowerBound)
        return edits[nextEdit...].prefix { $0.node.index <= places.upperBound }.contains(where: \.isRemoval)
    }

    private mutating func takeAdditions(at index: Int) -> [JSONEdits.Change] {
        guard nextEdit < edits.count else { return [] }
        let additions = edits[nextEdit...].prefix { $0.node.index == index }
        nextEdit += additions.count
        return additions.map(\.change)
    }
}

extension JSONDocument {
    /// Appends the text of a value as it stands.
    @inline(__always)
    fileprivate func copyText(of entry: TapeEntry, into out: inout [UInt8]) {
        out.append(contentsOf: bytes[entry.outerRange])
    }
}
