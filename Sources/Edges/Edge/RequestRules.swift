import Bytes
import HTTP
import System

/// Which hosts may be asked for, and which pages may ask: checked right after a head was read.
struct RequestRules: Sendable {
    private let hosts: Set<ByteString>
    private let origins: Set<ByteString>
    private let acceptsAnyHost: Bool
    private let isSecure: Bool

    init(_ settings: EdgeSettings, port: Int) {
        var hosts = settings.allowedHosts
        if settings.listen.isLoopback {
            for name in ["127.0.0.1", "[::1]", "localhost"] { hosts.insert(ByteString("\(name):\(port)")) }
        }
        self.hosts = hosts
        origins = settings.allowedOrigins
        acceptsAnyHost = settings.acceptsAnyHostUnchecked
        isSecure = settings.tls != nil
    }

    /// Why this request is refused, and with what status; nil when it may go on.
    func refusal(of head: RequestHead) -> (EdgeRefusal.Reason, status: Int)? {
        guard acceptsAnyHost || isOurs(head.host) else { return (.hostNotAllowed, 421) }
        if let origin = head.fields["origin"], !mayCall(origin, host: head.host) { return (.originNotAllowed, 403) }
        return nil
    }

    private func isOurs(_ host: ByteString) -> Bool {
        hosts.contains(host) || hosts.contains(withoutDefaultPort(host, isSecure: isSecure))
    }

    /// A page of the host that was asked for may call it, over http too: whether the host is ours was checked before.
    private func mayCall(_ origin: ByteString, host: ByteString) -> Bool {
        let origin = origin.asciiLowercased
        if origins.contains(origin) { return true }
        for (scheme, isSecure) in [("https://", true), ("http://", false)] as [(ByteString, Bool)]
        where origin.hasPrefix(scheme) {
            let authority = ByteString(Array(origin.bytes[scheme.count...]))
            return authority == host
                || withoutDefaultPort(authority, isSecure: isSecure)
                    == withoutDefaultPort(host, isSecure: self.isSecure)
        }
        return false
    }

    private func withoutDefaultPort(_ authority: ByteString, isSecure: Bool) -> ByteString {
        let port: ByteString = isSecure ? ":443" : ":80"
        return authority.hasSuffix(port) ? ByteString(Array(authority.bytes.dropLast(port.count))) : authority
    }
}
