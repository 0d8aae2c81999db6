import Bytes

extension JSONDocument {
    /// Writes a value anew: no white space, strings with only the escapes they need, numbers as they were written, members
    /// in their order, and `edits` made. The same document always gives the same bytes.
    public func write(_ node: Node, editing edits: JSONEdits = .none, into out: inout [UInt8]) {
        let outer = entry(node)
        let size = outer.outerRange.count
        if outer.has(.loose) {
            out.reserveCapacity(out.count + size + edits.encodedCount)
            var rewriter = Rewriter(document: self, edits: edits.sorted())
            rewriter.write(Int(node.index), into: &out)
        } else if edits.isEmpty {
            out.append(contentsOf: bytes[outer.outerRange])
        } else {
            out.reserveCapacity(out.count + size + edits.encodedCount)
            var splicer = Splicer(document: self, written: outer.outerRange.lowerBound, within: nil)
            splicer.write(node, editing: edits.sorted(), into: &out)
        }
    }

    /// The same as new bytes.
    public func encoded(_ node: Node, editing edits: JSONEdits = .none) -> [UInt8] {
        var out: [UInt8] = []
        write(node, editing: edits, into: &out)
        return out
    }
}

/// Writes a value whose text is already what we would write: copies it, and changes only the edited places. What it costs
/// depends on the number of edits, not of values.
struct Splicer {
    private let document: JSONDocument
    /// The string that the document is in, when it is written as that; else nil.
    private let text: EscapedText?
    /// How many of that string's escapes have been passed.
    private var passed = 0
    /// How far the text has been written or left out.
    private var written: Int
    /// Additions wait until the end of their object; objects end in the opposite order of their beginning.
    private var additions: [(end: Int, edits: ArraySlice<JSONEdits.Edit>)] = []

    init(document: JSONDocument, written: Int, within text: EscapedText?) {
        self.document = document
        self.text = text
        self.written = written
    }

    mutating func write(_ root: JSONDocument.Node, editing edits: [JSONEdits.Edit], into out: inout [UInt8]) {
        let end = document.entry(root).outerRange.upperBound
        let last = UInt32(truncatingIfNeeded: document.endOfValue(Int(root.index)))
        var next = edits.partitioningIndex { $0.node >= root }
        while next < edits.count, edits[next].node.index < last {
            let node = edits[next].node
            let first = next
            next += 1
            while next < edits.count, edits[next].node == node { next += 1 }
            let entry = document.entry(node)
            let range = entry.outerRange
            writeAdditions(before: range.lowerBound, into: &out)
            // Something around it has been left out.
            guard range.lowerBound >= written else { continue }
            let isRemoved = removes(edits, first..<next) || entry.has(.name) && removesValue(after: node, edits, next)
            if isRemoved, node != root {
                leaveOut(document.textOfMember(node), into: &out)
            } else if !isRemoved, edits[first].isReplacement {
                replace(range, by: edits[first], into: &out)
            } else {
                make(edits[first..<next], at: node, range, isRemoved: isRemoved, into: &out)
            }
        }
        writeAdditions(before: end, into: &out)
        copy(upTo: end, into: &out)
    }

    private func removes(_ edits: [JSONEdits.Edit], _ places: Range<Int>) -> Bool {
        for place in places where edits[place].isRemoval { return true }
        return false
    }

    /// Whether the edits from `next` on remove the value that follows a name.
    private func removesValue(after name: JSONDocument.Node, _ edits: [JSONEdits.Edit], _ next: Int) -> Bool {
        var place = next
        while place < edits.count, edits[place].node.index == name.index + 1 {
            if edits[place].isRemoval { return true }
            place += 1
        }
        return false
    }

    private mutating func make(
        _ group: ArraySlice<JSONEdits.Edit>, at node: JSONDocument.Node, _ range: Range<Int>, isRemoved: Bool,
        into out: inout [UInt8]
    ) {
        if isRemoved {
            copy(upTo: range.lowerBound, into: &out)
            out += [0x6e, 0x75, 0x6c, 0x6c]
            written = range.upperBound
        } else if let edit = group.first(where: \.isReplacement) {
            replace(range, by: edit, into: &out)
        } else if document.kind(node) == .object {
            additions.append((end: range.upperBound - 1, edits: group))
        }
    }

    private mutating func replace(_ range: Range<Int>, by edit: JSONEdits.Edit, into out: inout [UInt8]) {
        copy(upTo: range.lowerBound, into: &out)
        if text == nil {
            edit.write(into: &out)
        } else {
            edit.writeEscaped(into: &out)
        }
        written = range.upperBound
    }

    /// Leaves out a member or element and the comma that is no longer needed: the one before it if that is still to be
    /// written, else the one after it.
    private mutating func leaveOut(_ range: Range<Int>, into out: inout [UInt8]) {
        // Its name went with a removal of the name already.
        guard range.lowerBound >= written else { return }
        let before = range.lowerBound - 1
        if before >= written, document.bytes[before] == 0x2c {
            copy(upTo: before, into: &out)
            written = range.upperBound
        } else {
            copy(upTo: range.lowerBound, into: &out)
            written = range.upperBound + (document.bytes[range.upperBound] == 0x2c ? 1 : 0)
        }
    }

    /// Writes the additions to every object that ends before `place`, the innermost first.
    private mutating func writeAdditions(before place: Int, into out: inout [UInt8]) {
        while let (end, edits) = additions.last, end < place {
            additions.removeLast()
            guard end >= written else { continue }
            copy(upTo: end, into: &out)
            for case .append(let member, let encoded) in edits.map(\.change) {
                // In text without white space a brace that opens can only be the beginning of this object.
                if out.last != 0x7b { out.append(0x2c) }
                var added: [UInt8] = []
                appendString(member.bytes, to: &added)
                added.append(0x3a)
                added += encoded
                if text == nil { out += added } else { appendContent(added, to: &out) }
            }
        }
    }

    private mutating func copy(upTo end: Int, into out: inout [UInt8]) {
        guard written < end else { return }
        if let text {
            text.copy(written..<end, passing: &passed, into: &out)
        } else {
            out.append(contentsOf: document.bytes[written..<end])
        }
        written = end
    }
}

extension JSONDocument {
    /// The text of an element, or of a member from its name to the end of its value, whichever of the two is given. Only
    /// for text without white space.
    fileprivate func textOfMember(_ node: Node) -> Range<Int> {
        let index = Int(node.index)
        let entry = tape[index]
        if entry.has(.name) { return entry.outerRange.lowerBound..<tape[index + 1].outerRange.upperBound }
        if index > 0, tape[index - 1].has(.name) {
            return tape[index - 1].outerRange.lowerBound..<entry.outerRange.upperBound
        }
        return entry.outerRange
    }

    /// The entry after a value or a name.
    fileprivate func endOfValue(_ index: Int) -> Int {
        tape[index].has(.name) ? index + 1 : after(index)
    }
}

extension Array {
    /// The first place whose element fulfils `belongs`, when all that do come after all that don't.
    fileprivate func partitioningIndex(where belongs: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
