internal import Bytes
internal import System
internal import Telemetry

/// The proxy through which upstreams are reached: the server stays the one TLS is spoken with, the proxy only sees its
/// name (CONNECT, RFC 9110 section 9.3.6).
public struct ProxySettings: Sendable {
    /// The proxy's host.
    public let host: String
    /// The proxy's port.
    public let port: UInt16
    /// `Basic …` for the proxy, when its URL held a user.
    let authorization: Secret<ByteString>?
    private let exceptions: [Exception]

    private struct Exception: Sendable {
        let host: ByteString
        let port: UInt16?
    }

    /// Reads the two environment variables' values as most programs understand them.
    ///
    /// - Parameters:
    ///   - url: `http://[user:password@]host:port`, from `HTTPS_PROXY`. Without a scheme `http` is meant.
    ///   - exceptions: `NO_PROXY`: hosts separated by commas; `example.com` and `.example.com` mean the domain and all in
    ///     it, `*` means every host, a port may follow. Networks (`10.0.0.0/8`) are not understood and match nothing.
    /// - Returns: nil when the text is no proxy's URL.
    public init?(url: String, exceptions: String) {
        var rest = Array(url.utf8)[...]
        if let scheme = ByteString(Array(rest)).schemeEnd {
            guard ByteString(Array(rest[..<scheme])).asciiLowercased == "http" else { return nil }
            rest = rest[(scheme + 3)...]
        }
        if rest.last == UInt8(ascii: "/") { rest = rest.dropLast() }
        var credentials: ArraySlice<UInt8>?
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            credentials = rest[..<at]
            rest = rest[(at + 1)...]
        }
        guard let address = try? UpstreamURL("https://" + String(decoding: rest, as: UTF8.self)),
            address.target == "/"
        else { return nil }
        host = address.host
        let hasPort = rest.last != UInt8(ascii: "]") && rest.contains(UInt8(ascii: ":"))
        port = hasPort ? address.port : 80
        authorization = credentials.map { Secret(ByteString("Basic " + Base64.encode(percentDecoded($0)))) }
        self.exceptions = exceptions.utf8.split(separator: UInt8(ascii: ",")).map { ProxySettings.exception(Array($0)) }
    }

    /// What `HTTPS_PROXY` and `NO_PROXY` (or their lower-case spellings) say; nil when no proxy is set.
    public static func fromEnvironment() -> ProxySettings? {
        let url = CurrentProcess.environment("HTTPS_PROXY") ?? CurrentProcess.environment("https_proxy") ?? ""
        let exceptions = CurrentProcess.environment("NO_PROXY") ?? CurrentProcess.environment("no_proxy") ?? ""
        return url.isEmpty ? nil : ProxySettings(url: url, exceptions: exceptions)
    }

    /// Whether this upstream is reached through the proxy. This machine never is.
    func serves(_ url: UpstreamURL) -> Bool {
        guard url.isSecure, !url.isLocal else { return false }
        let host = ByteString(url.host).asciiLowercased
        return !exceptions.contains { exception in
            guard exception.port == nil || exception.port == url.port else { return false }
            let suffix = ByteString([UInt8(ascii: ".")] + exception.host.bytes)
            return exception.host == "*" || host == exception.host || host.hasSuffix(suffix)
        }
    }

    private static func exception(_ text: [UInt8]) -> Exception {
        var host = text.filter { $0 != 0x20 && $0 != 0x09 }[...]
        var port: UInt16?
        let isBareAddress = host.first != UInt8(ascii: "[") && host.count(where: { $0 == UInt8(ascii: ":") }) > 1
        if !isBareAddress, let colon = host.lastIndex(of: UInt8(ascii: ":")),
            let number = UpstreamURL.readPort(host[(colon + 1)...])
        {
            port = number
            host = host[..<colon]
        }
        if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") { host = host.dropFirst().dropLast() }
        while host.first == UInt8(ascii: ".") { host = host.dropFirst() }
        return Exception(host: ByteString(Array(host)).asciiLowercased, port: port)
    }
}

extension ByteString {
    /// Where `://` begins.
    fileprivate var schemeEnd: Int? {
        let mark = Array("://".utf8)
        guard count >= mark.count else { return nil }
        return (0...(count - mark.count)).first { Array(bytes[$0..<$0 + mark.count]) == mark }
    }
}

private func percentDecoded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var decoded: [UInt8] = []
    var index = bytes.startIndex
    while index < bytes.endIndex {
        if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.endIndex,
            let byte = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
        {
            decoded.append(byte)
            index += 3
        } else {
            decoded.append(bytes[index])
            index += 1
        }
    }
    return decoded
}
