/// An `https` or `http` URL of the plain kind that configurations hold: no user, no query, no fragment, no escapes in the
/// host. What two parsers could read differently isn't taken at all.
public struct WebAddress: Hashable, Sendable, CustomStringConvertible {
    /// Whether it is `https`.
    public let isSecure: Bool
    /// Lower case; an IPv6 address without brackets.
    public let host: String
    /// The port, also when the URL leaves it out.
    public let port: Int
    /// Empty, or begins with a slash.
    public let path: String

    /// Why a text is no such URL.
    enum Mistake: Error, Equatable {
        case scheme, user, host, port, path, queryOrFragment
    }

    /// Reads a URL.
    init(_ text: String) throws(Mistake) {
        let rest: Substring
        if text.hasPrefix("https://") {
            (isSecure, rest) = (true, text.dropFirst(8))
        } else if text.hasPrefix("http://") {
            (isSecure, rest) = (false, text.dropFirst(7))
        } else {
            throw .scheme
        }
        if rest.contains(where: { $0 == "?" || $0 == "#" }) { throw .queryOrFragment }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        (host, port) = try WebAddress.authority(rest[..<slash], isSecure: isSecure)
        path = String(rest[slash...])
        guard WebAddress.isPath(path) else { throw .path }
    }

    private static func authority(_ text: Substring, isSecure: Bool) throws(Mistake) -> (String, Int) {
        if text.contains("@") { throw .user }
        var host = text
        var port = isSecure ? 443 : 80
        let afterBrackets = text.lastIndex(of: "]") ?? text.startIndex
        if let colon = text[afterBrackets...].lastIndex(of: ":") {
            guard let given = ListenAddress.port(text[text.index(after: colon)...]), given > 0 else { throw .port }
            (host, port) = (text[..<colon], given)
        }
        if host.hasPrefix("["), host.hasSuffix("]"), IPText.isVersion6(host.dropFirst().dropLast()) {
            return (host.dropFirst().dropLast().lowercased(), port)
        }
        guard IPText.isVersion4(host) || isName(host) else { throw .host }
        return (host.lowercased(), port)
    }

    /// Host names of RFC 1123 2.1. One that ends in a number is an address in a form we don't take (WHATWG URL, "ends in a
    /// number").
    private static func isName(_ host: Substring) -> Bool {
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let good = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
        }
        let last = labels.last?.lowercased() ?? ""
        let lastIsNumber = last.hasPrefix("0x") || last.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return good && !lastIsNumber && host.utf8.count <= 253
    }

    /// Unreserved characters, some harmless others, and no dot segments (RFC 3986 3.3).
    private static func isPath(_ path: String) -> Bool {
        let allowed = path.utf8.allSatisfy { isLetterOrDigit($0) || "-._~/:@!$&'()*+,;=".utf8.contains($0) }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        return allowed && !segments.contains { $0 == "." || $0 == ".." }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    /// Whether the host is this machine.
    public var isLoopback: Bool { IPText.isLoopback(host) || host.utf8.elementsEqual("localhost".utf8) }

    /// Host and port as a `Host` header has them: without the port when it is the scheme's own.
    public var authority: String {
        let written = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? written : "\(written):\(port)"
    }

    /// Scheme and authority, as an `Origin` header has them.
    public var origin: String { (isSecure ? "https://" : "http://") + authority }

    /// The whole URL.
    public var description: String { origin + path }
}
