/// Where to listen: an IP address and a port. Names are not taken, because they can mean several addresses or change.
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 address, or an IPv6 address without brackets.
    public let host: String
    /// 0 means any free port; only useful in tests.
    public let port: Int

    /// `127.0.0.1:8443` or `[::1]:8443`; nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = ListenAddress.port(text[text.index(after: colon)...])
        else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard IPText.isVersion6(host) else { return nil }
        } else if host.utf8.elementsEqual("localhost".utf8) {
            host = "127.0.0.1"
        } else if !IPText.isVersion4(host) {
            return nil
        }
        self.host = String(host)
        self.port = port
    }

    /// This machine alone.
    static func loopback(port: Int) -> ListenAddress { ListenAddress(host: "127.0.0.1", port: port) }

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool { IPText.isLoopback(host) }

    /// As it is written in a URL.
    public var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }

    static func port(_ digits: some StringProtocol) -> Int? {
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(digits).flatMap { $0 <= 65_535 ? $0 : nil }
    }
}

/// IP addresses as text. Only the forms that every library reads alike: no octal, no shortened IPv4, no zones.
enum IPText {
    static func isVersion4(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard let value = ListenAddress.port(part), value <= 255 else { return false }
                return part.utf8.count == 1 || part.utf8.first != UInt8(ascii: "0")
            }
    }

    static func isVersion6(_ text: some StringProtocol) -> Bool {
        groups(text) != nil
    }

    static func isLoopback(_ host: String) -> Bool {
        if isVersion4(host) { return host.hasPrefix("127.") }
        return groups(host) == [0, 0, 0, 0, 0, 0, 0, 1]
    }

    /// The eight groups of RFC 4291 2.2, forms 1 and 2; addresses that end in an IPv4 address are not taken.
    private static func groups(_ text: some StringProtocol) -> [UInt16]? {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        let halves = split(String(text))
        guard halves.count <= 2 else { return nil }
        guard let front = group(halves[0]), let back = halves.count == 2 ? group(halves[1]) : [] else { return nil }
        if halves.count == 1 { return front.count == 8 ? front : nil }
        guard front.count + back.count < 8 else { return nil }
        return front + Array(repeating: 0, count: 8 - front.count - back.count) + back
    }

    private static func split(_ text: String) -> [Substring] {
        text.split(separator: "::", omittingEmptySubsequences: false)
    }

    private static func group(_ half: Substring) -> [UInt16]? {
        guard !half.isEmpty else { return [] }
        var groups: [UInt16] = []
        for part in half.split(separator: ":", omittingEmptySubsequences: false) {
            guard (1...4).contains(part.utf8.count), !part.hasPrefix("+"), let value = UInt16(part, radix: 16) else {
                return nil
            }
            groups.append(value)
        }
        return groups
    }
}
