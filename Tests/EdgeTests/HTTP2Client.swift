import Bytes
import Reactor
import System

/// One HTTP/2 frame.
struct Frame: CustomStringConvertible {
    enum Kind: UInt8 {
        case data = 0, headers, priority, reset, settings, push, ping, goAway, windowUpdate, continuation
    }

    static let endStream: UInt8 = 1
    static let acknowledges: UInt8 = 1
    static let endHeaders: UInt8 = 4

    let type: UInt8
    let flags: UInt8
    let stream: Int
    let payload: [UInt8]

    init(_ kind: Kind, flags: UInt8 = 0, stream: Int = 0, _ payload: [UInt8] = []) {
        self.init(type: kind.rawValue, flags: flags, stream: stream, payload)
    }

    init(type: UInt8, flags: UInt8, stream: Int, _ payload: [UInt8]) {
        self.type = type
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    /// The first whole frame of some bytes.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 9 else { return nil }
        let start = bytes.startIndex
        let length = Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
        guard bytes.count >= 9 + length else { return nil }
        type = bytes[start + 3]
        flags = bytes[start + 4]
        stream = number(bytes[start + 5..<start + 9]) & 0x7fff_ffff
        payload = Array(bytes[start + 9..<start + 9 + length])
    }

    static func windowUpdate(_ stream: Int, _ increment: Int) -> Frame {
        Frame(.windowUpdate, stream: stream, bigEndian(increment, 4))
    }

    static func reset(_ stream: Int, _ code: Int = 8) -> Frame { Frame(.reset, stream: stream, bigEndian(code, 4)) }

    /// A head whose fields are literals that nobody indexes.
    static func head(_ stream: Int, ends: Bool = true, _ fields: [(String, String)]) -> Frame {
        Frame(.headers, flags: endHeaders | (ends ? endStream : 0), stream: stream, HeaderBlock.encode(fields))
    }

    var bytes: [UInt8] {
        bigEndian(payload.count, 3) + [type, flags] + bigEndian(stream, 4) + payload
    }

    var kind: Kind? { Kind(rawValue: type) }
    var endsStream: Bool { (kind == .data || kind == .headers) && flags & Frame.endStream != 0 }
    var description: String {
        "\(kind.map { "\($0)" } ?? "type \(type)") \(flags) stream \(stream) \(payload.count <= 8 ? "\(payload)" : "")"
    }
}

func bigEndian(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

/// As much of HPACK as tests need: literals out, statuses in.
struct HeaderBlock {
    static func encode(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { [0x00] + text($0.0) + text($0.1) }
    }

    private static func text(_ text: String) -> [UInt8] { integer(text.utf8.count, 7) + Array(text.utf8) }

    private static func integer(_ value: Int, _ bits: Int) -> [UInt8] {
        let most = 1 << bits - 1
        guard value >= most else { return [UInt8(value)] }
        var bytes = [UInt8(most)]
        var rest = value - most
        while rest >= 128 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// Fields of earlier blocks that were indexed, the youngest first. Only statuses are kept readable.
    private var table: [Int?] = []
    private var bytes: [UInt8] = []
    private var index = 0

    /// The `:status` of a block; nil when it has none that can be read.
    mutating func status(_ block: [UInt8]) -> Int? {
        bytes = block
        index = 0
        var found: Int?
        while index < bytes.count { if let status = field() { found = found ?? status } }
        return found
    }

    private mutating func field() -> Int? {
        let first = bytes[index]
        if first & 0x80 != 0 { return entry(take(7)) }
        if first & 0xe0 == 0x20 {
            _ = take(5)
            return nil
        }
        let isIndexed = first & 0x40 != 0
        let name = take(isIndexed ? 6 : 4)
        if name == 0 { _ = string() }
        let value = string()
        let status = (8...14).contains(name) ? value : nil
        if isIndexed { table.insert(status, at: 0) }
        return status
    }

    private func entry(_ number: Int) -> Int? {
        let statuses = [200, 204, 206, 304, 400, 404, 500]
        if (8...14).contains(number) { return statuses[number - 8] }
        return number >= 62 && number - 62 < table.count ? table[number - 62] : nil
    }

    private mutating func take(_ bits: Int) -> Int {
        let most = 1 << bits - 1
        var value = Int(bytes[index]) & most
        index += 1
        guard value == most else { return value }
        var shift = 0
        while index < bytes.count {
            let byte = Int(bytes[index])
            index += 1
            value += (byte & 127) << shift
            shift += 7
            if byte < 128 { break }
        }
        return value
    }

    /// A text's number, if it is one.
    private mutating func string() -> Int? {
        let isHuffman = bytes[index] & 0x80 != 0
        let count = take(7)
        let end = min(bytes.count, index + count)
        defer { index = end }
        let text = bytes[index..<end]
        return isHuffman ? Self.digits(text) : Int(String(decoding: text, as: UTF8.self))
    }

    /// Huffman's codes of the digits (RFC 7541 appendix B): five bits for 0 to 2, six for 3 to 9.
    private static func digits(_ bytes: ArraySlice<UInt8>) -> Int? {
        let bits = bytes.flatMap { byte in (0..<8).reversed().map { Int(byte >> $0 & 1) } }
        var value = 0
        var start = 0
        while bits.count - start >= 5 {
            let five = bits[start..<start + 5].reduce(0) { $0 << 1 | $1 }
            if five <= 2 {
                value = value * 10 + five
                start += 5
            } else {
                guard bits.count - start >= 6 else { break }
                let six = five << 1 | bits[start + 5]
                guard (0x19...0x1f).contains(six) else { return six >= 0x3e ? value : nil }
                value = value * 10 + six - 0x16
                start += 6
            }
        }
        return value
    }
}

/// What came back so far.
struct Heard {
    var status: [Int: Int] = [:]
    var body: [Int: [UInt8]] = [:]
    var ended: Set<Int> = []
    var reset: [Int: Int] = [:]
    var goAway: Int?
    var lastStream = 0
    var pongs = 0
    var acknowledged = 0
    var isClosed = false
    var frames: [Frame] = []
}

/// A client that sends exactly the frames it is told to.
final class HTTP2Client {
    let stream: ByteStream
    private(set) var heard = Heard()
    private var unread: [UInt8] = []
    private var block = HeaderBlock()

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    init(_ stream: ByteStream) { self.stream = stream }

    func send(_ frames: Frame...) async throws { try await send(frames.flatMap(\.bytes)) }

    func send(_ bytes: [UInt8]) async throws { try await stream.write(bytes, deadline: .now + .seconds(10)) }

    /// Says hello, as every client must.
    func begin(_ settings: [(Int, Int)] = []) async throws {
        try await send(
            Self.preface + Frame(.settings, settings.flatMap { bigEndian($0.0, 2) + bigEndian($0.1, 4) }).bytes)
    }

    /// A request without a body.
    func get(_ stream: Int, _ path: String = "/", _ more: [(String, String)] = []) async throws {
        try await send(.head(stream, Self.fields("GET", path) + more))
    }

    static func fields(_ method: String, _ path: String = "/") -> [(String, String)] {
        [(":method", method), (":scheme", "https"), (":path", path), (":authority", "proxy.test")]
    }

    /// Reads until `condition` holds or nothing came for `patience`. Gives whether it holds.
    @discardableResult
    func hear(patience: Duration = .seconds(5), until condition: (Heard) -> Bool) async -> Bool {
        while !condition(heard), !heard.isClosed {
            do throws(StreamFailure) {
                if try await stream.read(into: &unread, atMost: 1 << 16, deadline: .now + patience) == 0 {
                    heard.isClosed = true
                }
            } catch {
                if error == .timedOut { break }
                heard.isClosed = true
            }
            takeFrames()
        }
        return condition(heard)
    }

    private func takeFrames() {
        var start = 0
        while let frame = Frame(unread[start...]) {
            start += 9 + frame.payload.count
            take(frame)
        }
        unread.removeFirst(start)
    }

    private func take(_ frame: Frame) {
        heard.frames.append(frame)
        switch frame.kind {
        case .headers:
            // An interim answer is none.
            if let status = block.status(frame.payload), status >= 200 { heard.status[frame.stream] = status }
        case .data: heard.body[frame.stream, default: []] += frame.payload
        case .reset: heard.reset[frame.stream] = number(frame.payload[...])
        case .settings: if frame.flags & Frame.acknowledges != 0 { heard.acknowledged += 1 }
        case .ping: if frame.flags & Frame.acknowledges != 0 { heard.pongs += 1 }
        case .goAway:
            heard.lastStream = number(frame.payload[0..<4])
            heard.goAway = number(frame.payload[4..<8])
        default: break
        }
        if frame.endsStream { heard.ended.insert(frame.stream) }
    }

    func text(_ stream: Int) -> String { String(decoding: heard.body[stream] ?? [], as: UTF8.self) }
}
