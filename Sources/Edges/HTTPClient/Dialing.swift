internal import Bytes
internal import HTTP
internal import Reactor
internal import System
internal import Telemetry

/// Opens connections: name, address, proxy, TLS; each within its time.
struct Dialing {
    let server: UpstreamServer

    func connect() async throws(RequestFailure) -> UpstreamConnection {
        let timing = server.settings.timing
        let url = server.settings.url
        let deadline = MonotonicTime.now + timing.connecting
        let stream = try await reach(deadline)
        if let proxy = server.proxy { try await passThrough(proxy, stream, deadline) }
        if let tls = server.tls {
            do throws(StreamFailure) {
                try await stream.startTLS(tls, serverName: url.host, deadline: .now + timing.handshake)
            } catch {
                stream.close()
                throw RequestFailure(error, during: .handshake)
            }
        }
        return UpstreamConnection(stream, retires: .now + server.settings.pool.age)
    }

    /// Tries the addresses in order, at most four; each gets its share of the time.
    private func reach(_ deadline: MonotonicTime) async throws(RequestFailure) -> ByteStream {
        let host = server.proxy?.host ?? server.settings.url.host
        let port = server.proxy?.port ?? server.settings.url.port
        let addresses: ArraySlice<SocketAddress>
        do throws(ResolutionFailure) {
            addresses = try await server.resolver.addresses(of: host, port: port, deadline: deadline).prefix(4)
        } catch {
            throw MonotonicTime.now >= deadline ? .timedOut(.connecting) : .unreachable(error.description)
        }
        var failure = RequestFailure.unreachable("no address")
        for (index, address) in addresses.enumerated() {
            let now = MonotonicTime.now
            let share = max(0, deadline.nanoseconds - now.nanoseconds) / Int64(addresses.count - index)
            do throws(StreamFailure) {
                return try await ByteStream.connect(
                    address, tls: nil, serverName: "", deadline: now.adding(nanoseconds: share))
            } catch {
                failure = RequestFailure(error, during: .connecting)
            }
        }
        throw failure
    }

    /// Asks the proxy for a tunnel. The credential of the upstream is not shown to it.
    private func passThrough(
        _ proxy: ProxySettings, _ stream: ByteStream, _ deadline: MonotonicTime
    ) async throws(RequestFailure) {
        let target = server.settings.url.hostAndPort
        var request = Array("CONNECT \(target) HTTP/1.1\r\nhost: \(target)\r\n".utf8)
        if let authorization = proxy.authorization {
            request += "proxy-authorization: ".utf8
            request += authorization.revealed.bytes
            request += "\r\n".utf8
        }
        request += "\r\n".utf8
        do throws(StreamFailure) {
            try await stream.write(request, deadline: deadline)
        } catch {
            throw RequestFailure(error, during: .connecting)
        }
        let connection = UpstreamConnection(stream, retires: .distantFuture)
        var parser = ResponseParser(limits: server.settings.limits, requestMethod: .other("CONNECT"))
        let head = try await connection.head(&parser, deadline: deadline, phase: .connecting)
        guard head.status / 100 == 2 else { throw .proxyRefused(head.status) }
        // The server speaks second in TLS: bytes that are here already are not its own.
        guard !connection.hasUnread else { throw .malformed(HTTPFailure(.badStartLine, at: 0)) }
    }
}

extension UpstreamConnection {
    /// The head of the answer; interim ones (1xx) are skipped, at most eight.
    func head(
        _ parser: inout ResponseParser, deadline: MonotonicTime, phase: RequestFailure.Phase
    ) async throws(RequestFailure) -> ResponseHead {
        var interim = 0
        while true {
            do throws(HTTPFailure) {
                let found = try consume { (bytes) throws(HTTPFailure) -> (ResponseHead?, consumed: Int) in
                    guard let (head, consumed) = try parser.parse(bytes) else { return (nil, 0) }
                    return (head, consumed)
                }
                if let found {
                    if found.status >= 200 { return found }
                    interim += 1
                    guard interim <= 8 else { throw HTTPFailure(.badStatus, at: 0) }
                    continue
                }
            } catch {
                throw .malformed(error)
            }
            do throws(StreamFailure) {
                guard try await fill(deadline: deadline) else { throw StreamFailure.truncated }
            } catch {
                throw RequestFailure(error, during: phase)
            }
        }
    }
}
