import Bytes

/// Texts that are not JSON, or not quite, and name their values: `email: …`, `<email>…</email>`, a column `email`.
///
/// Only the last names of field paths are known here, in either case; patterns are not.
extension Pass {
    /// A value that stands behind a field's name in a text that is not JSON, or not quite.
    struct LooseField {
        let start: Int
        let end: Int
        let rule: Int
    }

    /// Finds `"email": "…"`, `email: …`, `email=…` for the last names of the program's field paths, in any case.
    private func looseFields(in text: Span<UInt8>) -> [LooseField] {
        var fields: [LooseField] = []
        var at = 0
        while at < text.count {
            guard isLetter(text[at]) || text[at] == 0x5f, text.isWordStart(at) else {
                at += 1
                continue
            }
            let end = text.endOfRun(from: at) { isWord($0) || $0 == 0x2d }
            if let value = startOfLooseValue(text, end),
                let rule = program.lastNames[ByteString(text.extracting(at..<end)).asciiLowercased]
            {
                let stop = endOfLooseValue(text, value)
                if stop > value { fields.append(LooseField(start: value, end: stop, rule: rule)) }
                at = max(stop, end)
            } else {
                at = max(end, at + 1)
            }
        }
        return fields
    }

    private func startOfLooseValue(_ text: Span<UInt8>, _ end: Int) -> Int? {
        var at = text.endOfRun(from: end, limit: 2) {
            $0 == 0x22 || $0 == 0x27 || $0 == 0x60 || $0 == 0x2a || $0 == 0x5c
        }
        at = text.endOfRun(from: at, limit: 3) { $0 == 0x20 || $0 == 0x2a }
        guard text.at(at) == 0x3a || text.at(at) == 0x3d, at < text.count else { return nil }
        // `email://` and `a::b` name no values.
        guard text.at(at + 1) != 0x2f, text.at(at + 1) != 0x3a else { return nil }
        at = text.endOfRun(from: at + 1, limit: 8) { $0 == 0x20 || $0 == 0x09 || $0 == 0x2a || $0 == 0x3d }
        return at < text.count ? at : nil
    }

    /// To the closing quote, or to the end of the line, the clause or the object.
    private func endOfLooseValue(_ text: Span<UInt8>, _ start: Int) -> Int {
        let quote = text[start]
        if quote == 0x22 || quote == 0x27 {
            var at = start + 1
            while at < text.count, text[at] != quote { at += text[at] == 0x5c ? 2 : 1 }
            return min(at + 1, text.count)
        }
        return text.endOfRun(from: start) {
            $0 != 0x0a && $0 != 0x0d && $0 != 0x2c && $0 != 0x3b && $0 != 0x7d && $0 != 0x5d && $0 != 0x7c
        }
    }

    /// All values that a text names.
    func namedValues(in text: Span<UInt8>) -> [LooseField] {
        looseFields(in: text) + elementFields(in: text) + tableFields(in: text)
    }

    /// The rule about a name, without the blanks, quotes and stars around it.
    private func rule(named text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var first = start
        var last = end
        while first < last, !isWord(text[first]), text[first] < 0x80 { first += 1 }
        while last > first, !isWord(text[last - 1]), text[last - 1] < 0x80 { last -= 1 }
        guard first < last, last - first <= 64 else { return nil }
        return program.lastNames[ByteString(text.extracting(first..<last)).asciiLowercased]
    }

    // MARK: XML

    /// How far the end of an element is looked for.
    private static let longestElement = 4096

    /// The contents of elements: `<email>…</email>`, `<x:email a="b">…`.
    private func elementFields(in text: Span<UInt8>) -> [LooseField] {
        var fields: [LooseField] = []
        var at = 0
        while at + 3 < text.count {
            guard text[at] == 0x3c, isLetter(text[at + 1]) || text[at + 1] == 0x5f else {
                at += 1
                continue
            }
            let name = text.endOfRun(from: at + 1, limit: 128) { isWord($0) || $0 == 0x2d || $0 == 0x2e || $0 == 0x3a }
            var local = name
            while local > at + 1, text[local - 1] != 0x3a { local -= 1 }
            let open = text.endOfRun(from: name, limit: 1024) { $0 != 0x3e && $0 != 0x3c }
            at = name
            guard text.at(open) == 0x3e, text[open - 1] != 0x2f, let rule = rule(named: text, local, name) else {
                continue
            }
            let end = endOfElement(text, open + 1, name: text.extracting(local..<name))
            if end > open + 1 { fields.append(LooseField(start: open + 1, end: end, rule: rule)) }
            at = max(end, name)
        }
        return fields
    }

    /// Before the end tag of that name; of an element that has none near, before the next tag.
    private func endOfElement(_ text: Span<UInt8>, _ start: Int, name: Span<UInt8>) -> Int {
        let most = min(text.count, start + Self.longestElement)
        var at = start
        while at + 2 < most {
            if text[at] == 0x3c, text[at + 1] == 0x2f {
                let end = text.endOfRun(from: at + 2, limit: 128) {
                    isWord($0) || $0 == 0x2d || $0 == 0x2e || $0 == 0x3a
                }
                let rest = text.extracting(at + 2..<end)
                if rest.count >= name.count, rest.extracting(last: name.count).elementsEqual(name) { return at }
            }
            at += 1
        }
        return text.endOfRun(from: start) { $0 != 0x3c }
    }

    // MARK: Tables

    /// The cells of columns whose head is a known name: Markdown, and values separated by tabs, semicolons, commas (RFC 4180).
    /// A table ends with the first line that has no separator.
    private func tableFields(in text: Span<UInt8>) -> [LooseField] {
        var fields: [LooseField] = []
        var line = 0
        while line < text.count {
            let end = text.endOfRun(from: line) { $0 != 0x0a && $0 != 0x0d }
            guard end < text.count, let head = tableHead(text, line, end) else {
                line = end + 1
                continue
            }
            line = text.has(Self.lineEnd, at: end) ? end + 2 : end + 1
            var row = TableRow(text, at: line, separator: head.separator)
            while row.cells.count > 1 {
                for (column, rule) in head.columns where column < row.cells.count {
                    let cell = row.cells[column]
                    if !cell.isEmpty, !isRule(text, cell) {
                        fields.append(LooseField(start: cell.lowerBound, end: cell.upperBound, rule: rule))
                    }
                }
                line = text.has(Self.lineEnd, at: row.end) ? row.end + 2 : row.end + 1
                guard line < text.count else { break }
                row = TableRow(text, at: line, separator: head.separator)
            }
        }
        return fields
    }

    private static let lineEnd: [UInt8] = [0x0d, 0x0a]

    /// A table's first line: what separates its columns, and which of them a rule is about.
    private func tableHead(
        _ text: Span<UInt8>, _ start: Int, _ end: Int
    ) -> (separator: UInt8, columns: [(column: Int, rule: Int)])? {
        for separator: UInt8 in [0x7c, 0x09, 0x3b, 0x2c] {
            guard text.endOfRun(from: start, limit: end - start, { $0 != separator }) < end else { continue }
            var columns: [(column: Int, rule: Int)] = []
            for (column, cell) in TableRow(text, at: start, separator: separator).cells.enumerated() {
                if let rule = rule(named: text, cell.lowerBound, cell.upperBound) { columns.append((column, rule)) }
            }
            if !columns.isEmpty { return (separator, columns) }
        }
        return nil
    }

    /// `---`, `:-:`: the line beneath a Markdown table's head.
    private func isRule(_ text: Span<UInt8>, _ cell: Range<Int>) -> Bool {
        text.endOfRun(from: cell.lowerBound, limit: cell.count) { $0 == 0x2d || $0 == 0x3a } == cell.upperBound
    }
}

/// One line of a table, cut into cells without the blanks around them. A cell in double quotes may hold separators and ends of
/// lines.
private struct TableRow {
    private(set) var cells: [Range<Int>] = []
    /// Where the line ends.
    private(set) var end: Int

    init(_ text: Span<UInt8>, at start: Int, separator: UInt8) {
        end = start
        while true {
            let first = text.endOfRun(from: end) { $0 == 0x20 || $0 == 0x09 && separator != 0x09 }
            var last = first
            if separator != 0x7c, text.at(first) == 0x22, let quoted = Self.endOfQuoted(text, first) { last = quoted }
            end = text.endOfRun(from: last) { $0 != separator && $0 != 0x0a && $0 != 0x0d }
            last = end
            while last > first, isBlank(text[last - 1]) { last -= 1 }
            cells.append(first..<last)
            guard text.at(end) == separator, end < text.count else { return }
            end += 1
        }
    }

    /// Behind the closing quote; nil when there is none near.
    private static func endOfQuoted(_ text: Span<UInt8>, _ start: Int) -> Int? {
        var at = start + 1
        let most = min(text.count, start + 65_536)
        while at < most {
            if text[at] == 0x22 {
                guard text.at(at + 1) == 0x22 else { return at + 1 }
                at += 1
            }
            at += 1
        }
        return nil
    }
}
