import Bytes
import KomainuTesting
import Testing

/// A case of `Cases/http2.txt`, which says how it is written.
struct HTTP2CaseFile {
    let name: String
    private(set) var bytes: [UInt8] = []
    private(set) var expectations: [[String]] = []
    private var isRaw = false

    static func all() throws -> [HTTP2CaseFile] {
        let text = String(decoding: try #require(Cases.read("http2.txt", beside: #filePath)), as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("#") }
        return lines.split(separator: "").map { HTTP2CaseFile($0.map(String.init)) }
    }

    private init(_ lines: [String]) {
        name = lines[0]
        for line in lines.dropFirst() { read(line) }
    }

    private mutating func read(_ line: String) {
        if line.hasPrefix("raw ") {
            isRaw = true
            return bytes += Self.unescaped(String(line.dropFirst(4)))
        }
        var words = line.split(separator: " ").map(String.init)
        if ["status", "reset", "goaway", "pong", "recorded"].contains(words[0]) { return expectations.append(words) }
        var times = 1
        if words[0].hasSuffix("*") { times = Int(words.removeFirst().dropLast()) ?? 1 }
        for index in 0..<times {
            bytes += Self.frames(words.map { $0 == "+" ? "\(2 * index + 1)" : $0 }, counted: words.last == "+")
        }
    }

    /// What is sent, from the first byte.
    var everything: [UInt8] { isRaw ? bytes : HTTP2Client.preface + Frame(.settings).bytes + bytes }

    private static func frames(_ words: [String], counted: Bool) -> [UInt8] {
        let stream = words.count > 1 ? Int(words[1]) ?? 0 : 0
        let get = HTTP2Client.fields("GET")
        switch (words[0], counted) {
        case ("R", true): return Frame.head(stream, get).bytes + Frame.reset(stream).bytes
        case ("M", true): return Frame.head(stream, get).bytes + Frame.windowUpdate(stream, 0x7fff_ffff).bytes
        case ("B", true): return Frame.head(stream, get + [("X", "y")]).bytes
        case ("O", true): return Frame.head(stream, ends: false, HTTP2Client.fields("POST")).bytes
        case ("H", _): return head(.headers, words, stream)
        case ("C", _): return head(.continuation, words, stream)
        case ("D", _):
            let text = words.count > 3 ? Array(words[3].utf8) : []
            return Frame(.data, flags: flags(words[2]), stream: stream, text).bytes
        case ("R", _): return Frame.reset(stream, Int(words[2]) ?? 0).bytes
        case ("W", _): return Frame.windowUpdate(stream, Int(words[2]) ?? 0).bytes
        case ("P", _): return Frame(.ping, Array("PINGPONG".utf8)).bytes
        case ("S", _):
            let entries = words.dropFirst().map { $0.split(separator: "=").compactMap { Int($0) } }
            return Frame(.settings, entries.flatMap { bigEndian($0[0], 2) + bigEndian($0[1], 4) }).bytes
        default: return anyFrame(words)
        }
    }

    private static func anyFrame(_ words: [String]) -> [UInt8] {
        let payload = words.dropFirst(4).flatMap { word in
            let parts = word.split(separator: "*")
            return Array(repeatElement(hex(String(parts[parts.count - 1])), count: times(parts)).joined())
        }
        return Frame(
            type: hex(words[1])[0], flags: hex(words[2])[0], stream: Int(words[3]) ?? 0, payload
        ).bytes
    }

    /// A head, in as many frames as it needs.
    private static func head(_ kind: Frame.Kind, _ words: [String], _ stream: Int) -> [UInt8] {
        var block = HeaderBlock.encode(words.dropFirst(3).flatMap(fields))
        let flags = flags(words[2])
        guard block.count > 16_384 else { return Frame(kind, flags: flags, stream: stream, block).bytes }
        var bytes: [UInt8] = []
        while !block.isEmpty {
            let piece = Array(block.prefix(16_384))
            block.removeFirst(piece.count)
            let ends = block.isEmpty ? flags & Frame.endHeaders : 0
            bytes +=
                Frame(
                    bytes.isEmpty ? kind : .continuation,
                    flags: bytes.isEmpty ? flags & ~Frame.endHeaders | ends : ends,
                    stream: stream, piece
                ).bytes
        }
        return bytes
    }

    private static func fields(_ word: String) -> [(String, String)] {
        if word == "GET" || word == "POST" { return HTTP2Client.fields(word) }
        var parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var count = 1
        if let star = parts[0].firstIndex(of: "*") {
            count = Int(parts[0][..<star]) ?? 1
            parts[0] = String(parts[0][parts[0].index(after: star)...])
        }
        if let star = parts[1].lastIndex(of: "*"), let length = Int(parts[1][..<star]) {
            parts[1] = String(repeating: String(parts[1][parts[1].index(after: star)...]), count: length)
        }
        let value = String(decoding: unescaped(parts[1]), as: UTF8.self)
        return Array(repeating: (parts[0], value), count: count)
    }

    private static func times(_ parts: [Substring]) -> Int { parts.count > 1 ? Int(parts[0]) ?? 1 : 1 }

    private static func flags(_ letters: String) -> UInt8 {
        (letters.contains("E") ? Frame.endStream : 0) | (letters.contains("H") ? Frame.endHeaders : 0)
    }

    private static func hex(_ text: String) -> [UInt8] {
        let digits = Array((text.count % 2 == 0 ? "" : "0") + text)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0..<$0 + 2]), radix: 16) ?? 0 }
    }

    private static func unescaped(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "r"): bytes.append(0x0d)
            case UInt8(ascii: "n"): bytes.append(0x0a)
            default: bytes.append(0x20)
            }
        }
        return bytes
    }
}
