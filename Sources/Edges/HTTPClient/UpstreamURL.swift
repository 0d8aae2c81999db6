public import Bytes
internal import System

/// Where an upstream is: `https://host[:port]/path[?query]`, or `http` when the host is this machine.
///
/// Read once, when the configuration is; nothing is normalised, what could be understood in two ways is refused.
public struct UpstreamURL: Hashable, Sendable {
    /// Whether it is `https`.
    public let isSecure: Bool
    /// A DNS name in lower case or an IP address, without brackets.
    public let host: String
    /// The port, also when it was left out.
    public let port: UInt16
    /// What a request asks for: the path, at least `/`, and the query when there is one.
    public let target: ByteString

    /// Why a text is not the URL of an upstream. The text itself is not repeated: it may hold a password.
    public enum Mistake: String, Error, Sendable {
        /// Neither `https://` nor `http://`.
        case scheme
        /// `http://` to another machine: the credential would be sent in the open.
        case insecure
        /// `user:password@`: secrets do not stand in the configuration.
        case userInfo
        /// No host, or not a DNS name or IP address.
        case host
        /// Not a number from 1 to 65535.
        case port
        /// A fragment, white space, or bytes outside visible ASCII.
        case path
    }

    /// Reads a URL.
    public init(_ text: String) throws(Mistake) {
        let bytes = Array(text.utf8)
        guard let (secure, rest) = UpstreamURL.scheme(bytes) else { throw .scheme }
        isSecure = secure
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.contains(UInt8(ascii: "@")) else { throw .userInfo }
        (host, port) = try UpstreamURL.split(authority, defaultPort: secure ? 443 : 80)
        let path = Array(rest[end...])
        guard path.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") })
        else { throw .path }
        target = ByteString(path.first == UInt8(ascii: "/") ? path : [UInt8(ascii: "/")] + path)
        guard secure || isLocal else { throw .insecure }
    }

    /// What the Host field says: the port only when it is not the scheme's own.
    public var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Host and port, always both: what CONNECT asks for.
    var hostAndPort: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Whether it is this machine, by address or as `localhost`.
    var isLocal: Bool {
        host.utf8.elementsEqual("localhost".utf8) || SocketAddress(host: host, port: port)?.isLoopback == true
    }

    private static func scheme(_ bytes: [UInt8]) -> (Bool, ArraySlice<UInt8>)? {
        let lowered = ByteString(Array(bytes.prefix(8))).asciiLowercased
        if lowered == "https://" { return (true, bytes.dropFirst(8)) }
        if lowered.hasPrefix("http://") { return (false, bytes.dropFirst(7)) }
        return nil
    }

    private static func split(
        _ authority: ArraySlice<UInt8>, defaultPort: UInt16
    ) throws(Mistake) -> (String, UInt16) {
        var host = authority
        var port = defaultPort
        let bracket = authority.lastIndex(of: UInt8(ascii: "]"))
        if let colon = authority.lastIndex(of: UInt8(ascii: ":")), bracket.map({ $0 < colon }) ?? true {
            guard let number = readPort(authority[(colon + 1)...]) else { throw .port }
            port = number
            host = authority[..<colon]
        }
        return (try readHost(host), port)
    }

    static func readPort(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt16(String(decoding: digits, as: UTF8.self)), number > 0
        else { return nil }
        return number
    }

    private static func readHost(_ bytes: ArraySlice<UInt8>) throws(Mistake) -> String {
        let text = String(decoding: ByteString(Array(bytes)).asciiLowercased.bytes, as: UTF8.self)
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") {
            let inner = String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)
            guard inner.utf8.contains(UInt8(ascii: ":")), let address = SocketAddress(host: inner, port: 0)
            else { throw .host }
            return address.hostText
        }
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let areLabels = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D
                && label.allSatisfy {
                    (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x2D || $0 == 0x5F
                }
        }
        guard areLabels, bytes.count <= 253 else { throw .host }
        // A last label of digits is an IPv4 address to some readers (127.1, 0x7f.1): only the plain form is one here.
        let last = labels.last ?? []
        let looksNumeric = last.allSatisfy { (0x30...0x39).contains($0) } || last.starts(with: [0x30, 0x78])
        if looksNumeric, SocketAddress(host: text, port: 0) == nil { throw .host }
        return text
    }
}
