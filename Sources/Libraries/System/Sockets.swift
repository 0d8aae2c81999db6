internal import CLinux
internal import Glibc

/// A connection that a peer made to us.
public struct Accepted: ~Copyable {
    /// The nonblocking socket.
    public let socket: Descriptor
    /// Who connected.
    public let peer: SocketAddress

    /// Gives up the socket.
    public consuming func releaseSocket() -> Descriptor { socket }
}

/// How one nonblocking transfer went.
public enum Transfer: Equatable, Sendable {
    /// That many bytes, at least 1.
    case bytes(Int)
    /// The peer will send no more (receiving only).
    case end
    /// Nothing now: wait for readiness.
    case wouldBlock
    /// The connection is broken; errno.
    case failed(Int32)
}

/// Nonblocking TCP sockets.
public enum Sockets {
    /// Listens. With `sharingPort` (SO_REUSEPORT) several sockets of this user may listen on one port and the kernel
    /// spreads the connections over them.
    public static func listen(
        on address: SocketAddress, backlog: Int32 = 1024, sharingPort: Bool
    ) throws(SystemFailure) -> Descriptor {
        let number = try checked("socket") { komainu_stream_socket(address.family) }
        let socket = Descriptor(owning: number)
        try set(SOL_SOCKET, SO_REUSEADDR, 1, on: number)
        if sharingPort { try set(SOL_SOCKET, SO_REUSEPORT, 1, on: number) }
        _ = try checked("bind", address.description) {
            unsafe address.withRaw { raw, length in unsafe bind(number, raw, length) }
        }
        _ = try checked("listen", address.description) { Glibc.listen(number, backlog) }
        return socket
    }

    /// Takes one waiting connection, with TCP_NODELAY set; nil when none waits. Connections that broke while they waited
    /// are skipped. Throws when this process or machine has no descriptors or memory left (EMFILE, ENFILE, ENOBUFS,
    /// ENOMEM): pause, then accept again.
    public static func accept(from listener: Int32) throws(SystemFailure) -> Accepted? {
        while true {
            var number: Int32 = -1
            let peer = unsafe SocketAddress.filled { raw, length in
                number = unsafe komainu_accept4(listener, raw, length)
            }
            if number >= 0 {
                let socket = Descriptor(owning: number)
                guard let peer else { continue }
                try? set(Int32(IPPROTO_TCP), TCP_NODELAY, 1, on: number)
                return Accepted(socket: socket, peer: peer)
            }
            switch errno {
            case EAGAIN: return nil
            case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH: continue
            default: throw SystemFailure(call: "accept4", errno: errno)
            }
        }
    }

    /// Begins to connect, with TCP_NODELAY set. The socket becomes writable when it is decided; then ask
    /// `pendingFailure(of:)`.
    public static func connect(to address: SocketAddress) throws(SystemFailure) -> Descriptor {
        let number = try checked("socket") { komainu_stream_socket(address.family) }
        let socket = Descriptor(owning: number)
        try set(Int32(IPPROTO_TCP), TCP_NODELAY, 1, on: number)
        let result = unsafe address.withRaw { raw, length in unsafe Glibc.connect(number, raw, length) }
        if result != 0, errno != EINPROGRESS, errno != EINTR {
            throw SystemFailure(call: "connect", errno: errno, path: address.description)
        }
        return socket
    }

    /// What went wrong with a connection that was begun; nil when nothing did.
    public static func pendingFailure(of socket: Int32, to address: SocketAddress? = nil) -> SystemFailure? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &length)
        if result != 0 { return SystemFailure(call: "getsockopt", errno: errno) }
        return code == 0 ? nil : SystemFailure(call: "connect", errno: code, path: address?.description)
    }

    /// The address the socket has on this side.
    public static func localAddress(of socket: Int32) throws(SystemFailure) -> SocketAddress {
        var failure: Int32 = 0
        let address = unsafe SocketAddress.filled { raw, length in
            if unsafe getsockname(socket, raw, length) != 0 { failure = errno }
        }
        guard let address else { throw SystemFailure(call: "getsockname", errno: failure) }
        return address
    }

    /// Appends what has arrived, at most `limit` bytes.
    public static func receive(from socket: Int32, into buffer: inout [UInt8], atMost limit: Int) -> Transfer {
        var outcome = Transfer.wouldBlock
        buffer.append(addingCapacity: limit) { (space: inout OutputSpan<UInt8>) in
            unsafe space.withUnsafeMutableBufferPointer { memory, count in
                outcome = unsafe receive(from: socket, into: UnsafeMutableRawBufferPointer(memory))
                if case .bytes(let got) = outcome { count += got }
            }
        }
        return outcome
    }

    /// Sends what the kernel takes of the bytes from `start` on. Never raises SIGPIPE.
    public static func send(_ bytes: [UInt8], from start: Int, to socket: Int32) -> Transfer {
        unsafe bytes.withUnsafeBytes { all in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: all[start...])
            while true {
                let sent = unsafe Glibc.send(socket, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
                if sent >= 0 { return .bytes(sent) }
                if errno == EAGAIN { return .wouldBlock }
                if errno != EINTR { return .failed(errno) }
            }
        }
    }

    /// Says that we will send no more; the peer reads an end.
    public static func finishSending(on socket: Int32) {
        shutdown(socket, Int32(SHUT_WR))
    }

    /// Makes closing the socket a reset instead of an orderly end: the peer learns at once that this was no proper end.
    public static func resetWhenClosed(_ socket: Int32) {
        var value = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(socket, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// Sets how many bytes the kernel queues towards the peer; for tests of back-pressure.
    public static func setSendBuffer(_ bytes: Int32, on socket: Int32) throws(SystemFailure) {
        try set(SOL_SOCKET, SO_SNDBUF, bytes, on: socket)
    }

    private static func receive(from socket: Int32, into memory: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            let got = unsafe recv(socket, memory.baseAddress, memory.count, 0)
            if got > 0 { return .bytes(got) }
            if got == 0 { return .end }
            if errno == EAGAIN { return .wouldBlock }
            if errno != EINTR { return .failed(errno) }
        }
    }

    private static func set(
        _ level: Int32, _ option: Int32, _ value: Int32, on socket: Int32
    ) throws(SystemFailure) {
        var value = value
        _ = try checked("setsockopt") {
            unsafe setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}
