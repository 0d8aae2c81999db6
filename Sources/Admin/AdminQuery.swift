public import Bytes

/// What the query of a list says: which page, of what. A name it does not know, or one twice, is a mistake.
public struct AdminQuery: Hashable, Sendable {
    /// Records on a page unless asked otherwise.
    public static let standardLimit = 100
    /// The most records on a page.
    public static let greatestLimit = 1_000

    /// How many records at most.
    public private(set) var limit = AdminQuery.standardLimit
    /// After which record: what the page before gave as `next_cursor`, decoded.
    public private(set) var position: ByteString?
    /// Of which upstream; nothing for all.
    public private(set) var upstream: ByteString?

    /// The first page.
    init() {}

    /// Reads a query.
    init(_ query: ByteString?, names: [String]) throws(AdminError) {
        self.init()
        guard let query, !query.isEmpty else { return }
        var seen: Set<ByteString> = []
        for pair in query.bytes.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false) {
            let end = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let value = try AdminQuery.unescaped(pair[end...].dropFirst())
            let name = ByteString(pair[..<end])
            guard names.contains(where: { ByteString($0) == name }) else {
                let known = names.isEmpty ? "this address takes no query" : "known are \(names.joined(separator: ", "))"
                throw AdminError(400, "the query has a name that is not known; \(known)", path: "the query")
            }
            guard seen.insert(name).inserted else {
                throw AdminError(400, "the query has a name twice", path: "the query")
            }
            try read(name.text, value)
        }
    }

    private mutating func read(_ name: String, _ value: ByteString) throws(AdminError) {
        switch name {
        case "limit":
            guard value.bytes.allSatisfy({ (48...57).contains($0) }), let number = Int(value.text),
                (1...AdminQuery.greatestLimit).contains(number)
            else { throw AdminError(400, "limit is a whole number from 1 to 1000", path: "limit") }
            limit = number
        case "upstream": upstream = value
        default:
            guard let position = Base64URL.decode(value), !position.isEmpty, position.count <= 1_024 else {
                throw AdminError(400, "\(name) must be the next_cursor of the page before", path: name)
            }
            self.position = ByteString(position)
        }
    }

    /// Undoes percent escapes (RFC 3986 section 2.1); a plus sign is a plus sign.
    private static func unescaped(_ bytes: ArraySlice<UInt8>) throws(AdminError) -> ByteString {
        var out: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                out.append(byte)
                continue
            }
            guard let decoded = Hex.decode(ByteString(rest.prefix(2)).asciiLowercased), decoded.count == 1 else {
                throw AdminError(400, "the query has a broken escape", path: "the query")
            }
            out += decoded
            rest = rest.dropFirst(2)
        }
        return ByteString(out)
    }
}
