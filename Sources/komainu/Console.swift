import Bytes
import JSON
import System
import YAML

/// What a command says: answers to standard output, everything else to standard error, so that an answer can be piped.
enum Console {
    /// Writes an answer as it is. A closed pipe (`komainu … | head`) isn't our matter.
    static func write(_ text: String) {
        try? Output.standardOutput(Array(text.utf8))
    }

    /// Writes bytes of an answer as they are, which whoever made them has checked.
    static func write(bytes: [UInt8]) {
        try? Output.standardOutput(bytes)
    }

    /// Writes one line of an answer, with what could steer the terminal shown instead of sent.
    static func line(_ text: String = "") {
        write(printable(text) + "\n")
    }

    /// Writes an answer for programs: one JSON value on one line.
    static func json(_ build: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        build(&writer)
        try? Output.standardOutput(writer.bytes + [UInt8(ascii: "\n")])
    }

    /// Tells the person at the terminal something that isn't the answer.
    static func note(_ text: String) {
        try? Output.standardError(Array((printable(text) + "\n").utf8))
    }

    /// Tells what is wrong.
    static func complain(_ text: String) {
        note("komainu: \(text)")
    }

    /// Tells what is wrong with files, one line each in the form that editors jump to.
    static func report(_ problems: [Problem]) {
        for problem in problems { note(problem.description) }
    }

    /// Text from elsewhere (names in a database, in a trail, from a server) without what would steer a terminal.
    static func printable(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate:
                out.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            default: out.append(scalar)
            }
        }
        return String(out)
    }

    /// Rows in columns, the first row as the heading.
    static func table(_ rows: [[String]]) {
        let cells = rows.map { $0.map(printable) }
        let columns = cells.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in cells.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        for row in cells {
            let padded = zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count)
            }
            var text = padded.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            write(text + "\n")
        }
    }
}

extension JSONWriter {
    /// A member with a text.
    mutating func member(_ name: String, _ value: String) {
        key(ByteString(name))
        string(value)
    }

    /// A member with a text, or null.
    mutating func member(_ name: String, _ value: String?) {
        key(ByteString(name))
        if let value { string(value) } else { null() }
    }

    /// A member with a whole number.
    mutating func member(_ name: String, _ value: Int) {
        key(ByteString(name))
        int(value)
    }

    /// A member with a truth.
    mutating func member(_ name: String, _ value: Bool) {
        key(ByteString(name))
        bool(value)
    }

    /// A member with a list of texts.
    mutating func member(_ name: String, _ values: [String]) {
        key(ByteString(name))
        beginArray()
        for value in values { string(value) }
        endArray()
    }
}
