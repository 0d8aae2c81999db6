/// Writes Prometheus' text format (prometheus.io, "Exposition formats", version 0.0.4).
struct ExpositionText {
    private(set) var bytes: [UInt8] = []

    mutating func begin(_ family: FamilyDescription, kind: StaticString) {
        let help = family.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        bytes.append(contentsOf: "# HELP \(family.name) \(help)\n# TYPE \(family.name) \(kind)\n".utf8)
    }

    mutating func sample(_ name: String, _ labels: [(String, [UInt8])], _ value: String) {
        bytes.append(contentsOf: name.utf8)
        if !labels.isEmpty { write(labels) }
        bytes.append(contentsOf: " \(value)\n".utf8)
    }

    /// A number as Prometheus reads it.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && value.magnitude < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private mutating func write(_ labels: [(String, [UInt8])]) {
        for (index, (name, value)) in labels.enumerated() {
            bytes.append(index == 0 ? UInt8(ascii: "{") : UInt8(ascii: ","))
            bytes.append(contentsOf: "\(name)=\"".utf8)
            escape(value)
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func escape(_ value: [UInt8]) {
        for scalar in String(decoding: value, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\\": bytes.append(contentsOf: "\\\\".utf8)
            case "\"": bytes.append(contentsOf: "\\\"".utf8)
            case "\n": bytes.append(contentsOf: "\\n".utf8)
            default:
                // The format escapes only these three; other controls would reach a terminal through `curl`.
                let shown: Unicode.Scalar = scalar.hidesOrSteers ? "\u{FFFD}" : scalar
                bytes.append(contentsOf: UTF8.encode(shown) ?? .init())
            }
        }
    }
}
