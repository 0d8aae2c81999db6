/// Builds one JSON line. Everything from outside is escaped so that a value can neither end the line nor paint a terminal.
struct LogLine {
    /// A value longer than this is cut, so that nobody fills the disk or hides the rest of the line through a field.
    static let longestText = 2048
    /// A list longer than this is cut.
    static let longestList = 32

    private(set) var bytes: [UInt8] = []

    init(timestamp: [UInt8], level: LogLevel, event: StaticString, fields: KeyValuePairs<StaticString, LogValue>) {
        bytes.reserveCapacity(192)
        raw("{\"ts\":\"")
        bytes.append(contentsOf: timestamp)
        raw("\",\"level\":\"")
        raw(level.word)
        raw("\",\"event\":")
        text(Array("\(event)".utf8))
        for (key, value) in fields {
            raw(",")
            text(Array("\(key)".utf8))
            raw(":")
            write(value)
        }
        raw("}\n")
    }

    private mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: "\(text)".utf8)
    }

    private mutating func write(_ value: LogValue) {
        switch value.content {
        case .text(let text): self.text(text)
        case .int(let number): bytes.append(contentsOf: "\(number)".utf8)
        case .unsigned(let number): bytes.append(contentsOf: "\(number)".utf8)
        case .double(let number): bytes.append(contentsOf: (number.isFinite ? "\(number)" : "null").utf8)
        case .bool(let truth): raw(truth ? "true" : "false")
        case .list(let values): list(values)
        case .null: raw("null")
        }
    }

    private mutating func list(_ values: [LogValue]) {
        raw("[")
        for (index, value) in values.prefix(LogLine.longestList).enumerated() {
            if index > 0 { raw(",") }
            write(value)
        }
        if values.count > LogLine.longestList { raw(",\"…\"") }
        raw("]")
    }

    private mutating func text(_ text: [UInt8]) {
        raw("\"")
        // Decoding repairs bytes that are not UTF-8, so the line always is.
        for scalar in String(decoding: text.prefix(LogLine.longestText), as: UTF8.self).unicodeScalars {
            write(scalar)
        }
        if text.count > LogLine.longestText { raw("…") }
        raw("\"")
    }

    private mutating func write(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": raw("\\\"")
        case "\\": raw("\\\\")
        case "\n": raw("\\n")
        case "\r": raw("\\r")
        case "\t": raw("\\t")
        default:
            if scalar.hidesOrSteers { escape(scalar) } else { bytes.append(contentsOf: UTF8.encode(scalar) ?? .init()) }
        }
    }

    private mutating func escape(_ scalar: Unicode.Scalar) {
        for unit in UTF16.encode(scalar) ?? .init() {
            let digits = String(unit, radix: 16)
            bytes.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
        }
    }
}

extension Unicode.Scalar {
    /// Controls, line separators, and the invisible and direction-changing characters with which a value could make a
    /// line read as something else (Unicode TR 36, "Trojan Source").
    var hidesOrSteers: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
