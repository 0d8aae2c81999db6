import KomainuTesting
import Testing

/// Bytes as the case files write them.
enum CaseText {
    /// The lines of a case file, each split at its bars; comments and empty lines left out.
    static func rows(_ file: String) throws -> [[String]] {
        let repository = try #require(Shared.repository)
        let bytes = try #require(Shared.contents(of: repository + "/Tests/HTTPTests/Cases/" + file))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { line in
                line.split(separator: "|", omittingEmptySubsequences: false).enumerated()
                    .map { index, part in index == 0 ? trimmed(part) : String(part.dropFirst()) }
            }
    }

    /// Without the spaces around.
    static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// Escapes undone and repetitions written out.
    static func bytes(_ text: String) -> [UInt8] {
        var rest = Array(text.utf8)[...]
        return read(&rest, nested: false)
    }

    private static func read(_ rest: inout ArraySlice<UInt8>, nested: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "}") where nested: return bytes
            case UInt8(ascii: "{"):
                let star = rest.firstIndex(of: UInt8(ascii: "*")) ?? rest.endIndex
                let times = Int(String(decoding: rest[..<star], as: UTF8.self)) ?? 0
                rest = rest[(star + 1)...]
                let repeated = read(&rest, nested: true)
                for _ in 0..<times { bytes += repeated }
            case UInt8(ascii: "\\"): bytes.append(escape(&rest))
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    private static func escape(_ rest: inout ArraySlice<UInt8>) -> UInt8 {
        switch rest.popFirst() {
        case UInt8(ascii: "r"): return 0x0d
        case UInt8(ascii: "n"): return 0x0a
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "0"): return 0
        case UInt8(ascii: "x"):
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            rest = rest.dropFirst(2)
            return UInt8(digits, radix: 16) ?? 0
        case let byte: return byte ?? 0
        }
    }
}
