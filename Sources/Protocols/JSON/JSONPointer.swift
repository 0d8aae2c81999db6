public import Bytes

/// A place in a document, as RFC 6901 writes it: `/items/0/name`. The empty pointer is the whole document.
public struct JSONPointer: Hashable, Sendable {
    /// The names and numbers on the way, unescaped.
    public let tokens: [ByteString]

    /// Reads a pointer. A `~` that is not followed by 0 or 1, and a text that begins without `/`, are failures.
    public init(_ text: ByteString) throws(JSONFailure) {
        var tokens: [ByteString] = []
        var token: [UInt8] = []
        var at = 0
        if let first = text.bytes.first, first != 0x2f { throw JSONFailure(.badPointer, at: 0) }
        while at < text.count {
            switch text.bytes[at] {
            case 0x2f:
                if at > 0 { tokens.append(ByteString(token)) }
                token = []
            case 0x7e:
                at += 1
                guard at < text.count, text.bytes[at] == 0x30 || text.bytes[at] == 0x31 else {
                    throw JSONFailure(.badPointer, at: at - 1)
                }
                token.append(text.bytes[at] == 0x30 ? 0x7e : 0x2f)
            default:
                token.append(text.bytes[at])
            }
            at += 1
        }
        if !text.isEmpty { tokens.append(ByteString(token)) }
        self.tokens = tokens
    }

    /// A pointer from names and numbers that are not escaped.
    public init(tokens: [ByteString]) {
        self.tokens = tokens
    }

    /// The pointer as RFC 6901 writes it.
    public var text: ByteString {
        var bytes: [UInt8] = []
        for token in tokens {
            bytes.append(0x2f)
            for byte in token.bytes {
                switch byte {
                case 0x7e: bytes += [0x7e, 0x30]
                case 0x2f: bytes += [0x7e, 0x31]
                default: bytes.append(byte)
                }
            }
        }
        return ByteString(bytes)
    }
}

extension JSONDocument {
    /// The value that `pointer` leads to from `node` (the document when nil); nil when there is none.
    public func pointer(_ pointer: JSONPointer, from node: Node? = nil) -> Node? {
        var node = node ?? root
        for token in pointer.tokens {
            guard let next = step(token, from: node) else { return nil }
            node = next
        }
        return node
    }

    private func step(_ token: ByteString, from node: Node) -> Node? {
        switch kind(node) {
        case .object: return member(token, of: node)
        case .array:
            guard let place = Self.place(token), place < count(of: node) else { return nil }
            return elements(of: node)[place]
        default: return nil
        }
    }

    /// A number without leading zeros (RFC 6901 section 4).
    private static func place(_ token: ByteString) -> Int? {
        guard let first = token.bytes.first, first != 0x30 || token.count == 1, token.count <= 9 else { return nil }
        var place = 0
        for byte in token.bytes {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            place = place * 10 + Int(byte - 0x30)
        }
        return place
    }
}
