internal import Glibc

/// An IPv4 or IPv6 address with a TCP port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    enum Host: Hashable {
        /// In host order: 127.0.0.1 is 0x7F000001.
        case version4(UInt32)
        /// The two halves in host order, and the interface for link-local addresses.
        case version6(high: UInt64, low: UInt64, scope: UInt32)
    }

    let host: Host
    /// The TCP port; 0 asks the kernel for a free one when listening.
    public let port: UInt16

    init(host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// The address of this machine to itself, 127.0.0.1.
    public static func loopback(port: UInt16) -> SocketAddress {
        SocketAddress(host: .version4(0x7F00_0001), port: port)
    }

    /// Reads `127.0.0.1:8443` or `[::1]:8443`. Names are not resolved: nil.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let colon = bytes.lastIndex(of: 0x3A),
            let port = SocketAddress.port(bytes[(colon + 1)...])
        else { return nil }
        var host = bytes[..<colon]
        if host.first == 0x5B, host.last == 0x5D {
            host = host.dropFirst().dropLast()
            guard host.contains(0x3A) else { return nil }
        } else if host.contains(0x3A) {
            return nil
        }
        self.init(host: String(decoding: host, as: UTF8.self), port: port)
    }

    /// An address from the text of an IPv4 or IPv6 address, without brackets. Nil for anything else.
    public init?(host text: String, port: UInt16) {
        var four = in_addr()
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            self.init(host: .version4(UInt32(bigEndian: four.s_addr)), port: port)
            return
        }
        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        self.init(host: SocketAddress.host(of: six, scope: 0), port: port)
    }

    /// The same address with another port.
    public func with(port: UInt16) -> SocketAddress { SocketAddress(host: host, port: port) }

    /// The address without its port, such as `127.0.0.1` or `::1`. An IPv4 address that arrived inside IPv6 is written as
    /// IPv4.
    public var hostText: String {
        switch host {
        case .version4(let bits):
            return "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
        case .version6(0, let low, _) where low >> 32 == 0xFFFF:
            return SocketAddress(host: .version4(UInt32(truncatingIfNeeded: low)), port: port).hostText
        case .version6(let high, let low, _):
            var raw = SocketAddress.raw(high: high, low: low)
            return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
                guard let start = buffer.baseAddress,
                    let text = unsafe inet_ntop(AF_INET6, &raw, start, socklen_t(buffer.count))
                else { return "?" }
                return unsafe String(cString: text)
            }
        }
    }

    /// Such as `127.0.0.1:8443` or `[::1]:8443`.
    public var description: String {
        let text = hostText
        return text.utf8.contains(0x3A) ? "[\(text)]:\(port)" : "\(text):\(port)"
    }

    /// Whether only this machine can be reached by it (127.0.0.0/8, ::1, and the former inside IPv6).
    public var isLoopback: Bool {
        switch host {
        case .version4(let bits): bits >> 24 == 127
        case .version6(0, 1, _): true
        case .version6(0, let low, _): low >> 24 == 0xFFFF7F
        case .version6: false
        }
    }

    var family: Int32 {
        if case .version4 = host { AF_INET } else { AF_INET6 }
    }

    private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self))
    }
}

extension SocketAddress {
    /// Lends the address in the kernel's form for one call.
    func withRaw<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch host {
        case .version4(let bits):
            var raw = sockaddr_in()
            raw.sin_family = sa_family_t(AF_INET)
            raw.sin_port = port.bigEndian
            raw.sin_addr.s_addr = bits.bigEndian
            return unsafe withUnsafePointer(to: &raw) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .version6(let high, let low, let scope):
            var raw = sockaddr_in6()
            raw.sin6_family = sa_family_t(AF_INET6)
            raw.sin6_port = port.bigEndian
            raw.sin6_addr = SocketAddress.raw(high: high, low: low)
            raw.sin6_scope_id = scope
            return unsafe withUnsafePointer(to: &raw) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }

    /// Reads the kernel's form; nil for families that are not IP.
    init?(raw: UnsafePointer<sockaddr>) {
        switch Int32(unsafe raw.pointee.sa_family) {
        case AF_INET:
            let four = unsafe UnsafeRawPointer(raw).loadUnaligned(as: sockaddr_in.self)
            self.init(
                host: .version4(UInt32(bigEndian: four.sin_addr.s_addr)), port: UInt16(bigEndian: four.sin_port))
        case AF_INET6:
            let six = unsafe UnsafeRawPointer(raw).loadUnaligned(as: sockaddr_in6.self)
            self.init(
                host: SocketAddress.host(of: six.sin6_addr, scope: six.sin6_scope_id),
                port: UInt16(bigEndian: six.sin6_port))
        default:
            return nil
        }
    }

    /// Runs a call that fills in an address (accept, getsockname); nil when it filled in none that we know.
    static func filled(by body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Void)
        -> SocketAddress?
    {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe body(raw, &length)
                return unsafe SocketAddress(raw: raw)
            }
        }
    }

    private static func host(of raw: in6_addr, scope: UInt32) -> Host {
        var raw = raw
        let (high, low) = unsafe withUnsafeBytes(of: &raw) { bytes in
            unsafe (
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        return .version6(high: high, low: low, scope: scope)
    }

    private static func raw(high: UInt64, low: UInt64) -> in6_addr {
        var raw = in6_addr()
        unsafe withUnsafeMutableBytes(of: &raw) { bytes in
            unsafe bytes.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
            unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return raw
    }
}
