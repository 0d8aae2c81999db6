internal import Glibc

/// A host name that could not be turned into addresses.
public struct ResolutionFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The name that was asked for.
    public let host: String
    /// The resolver's own sentence.
    public let reason: String
    /// Whether asking again later may help (EAI_AGAIN).
    public let isTemporary: Bool

    /// A failure of a name, with a sentence that says why.
    public init(host: String, reason: String, isTemporary: Bool) {
        self.host = host
        self.reason = reason
        self.isTemporary = isTemporary
    }

    /// Such as "api.example.com: Name or service not known".
    public var description: String { "\(host): \(reason)" }
}

/// Turns names into addresses the way the machine is configured (getaddrinfo: hosts file, DNS).
public enum Resolution {
    /// All addresses in the order to try them (RFC 6724). Blocks, possibly for many seconds: call it on a thread of its
    /// own. At most 64 are answered.
    public static func addresses(
        of host: String, port: UInt16
    ) throws(ResolutionFailure) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_family = AF_UNSPEC
        var first: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &first)
        guard code == 0 else {
            let reason = unsafe gai_strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
            throw ResolutionFailure(host: host, reason: reason, isTemporary: code == EAI_AGAIN)
        }
        defer { unsafe freeaddrinfo(first) }
        var found: [SocketAddress] = []
        var next = unsafe first
        while let entry = unsafe next, found.count < 64 {
            if let raw = unsafe entry.pointee.ai_addr, let address = unsafe SocketAddress(raw: raw)?.with(port: port),
                !found.contains(address)
            {
                found.append(address)
            }
            unsafe next = entry.pointee.ai_next
        }
        guard !found.isEmpty else {
            throw ResolutionFailure(host: host, reason: "no address", isTemporary: false)
        }
        return found
    }
}
