import Configuration
import HTTPClient
import OpenSSL
import Reactor
import Synchronization
import System

/// Connects to upstreams as the proxy would, and sends nothing.
enum UpstreamProbe {
    static func probe(_ upstreams: [UpstreamConfiguration]) throws(ProgramFailure) -> [Finding] {
        let (loop, resolver) = try attempting("threads can't be started") { () throws(SystemFailure) in
            let loop = try EventLoop(name: "probe")
            try loop.start()
            return (loop, try Resolver())
        }
        defer {
            loop.stop()
            resolver.stop()
        }
        return upstreams.flatMap { upstream in credential(upstream) + [reach(upstream, loop, resolver)] }
    }

    private static func credential(_ upstream: UpstreamConfiguration) -> [Finding] {
        let what = "credential of \(upstream.name)"
        switch upstream.credential {
        case nil: return []
        case .bearerVariable(let name):
            let isSet = CurrentProcess.environment(name)?.isEmpty == false
            // The proxy may run in another environment than this command.
            return [Finding(isSet ? .good : .doubtful, what, "the variable \(name) is \(isSet ? "" : "not ")set here")]
        case .bearerFile(let path):
            do throws(ProgramFailure) {
                let isEmpty = try contents(of: path).isEmpty
                return [Finding(isEmpty ? .wrong : .good, what, isEmpty ? "\(path) is empty" : "\(path) can be read")]
            } catch {
                return [Finding(.wrong, what, error.text)]
            }
        }
    }

    private static func reach(_ upstream: UpstreamConfiguration, _ loop: EventLoop, _ resolver: Resolver) -> Finding {
        let what = "upstream \(upstream.name)"
        do throws(ProgramFailure) {
            if case .command(let command) = upstream.location {
                _ = try command.values()
                return Finding(.good, what, "\(command.path) can be started; it isn't started here")
            }
            let settings = try upstream.upstreamSettings()
            if settings.proxy != nil {
                return Finding(.doubtful, what, "is reached through the proxy of HTTPS_PROXY, which isn't tried here")
            }
            return result(what, settings, upstream.timeouts.connect, try tls(settings), loop, resolver)
        } catch {
            return Finding(.wrong, what, error.text)
        }
    }

    private static func tls(_ settings: UpstreamSettings) throws(ProgramFailure) -> ClientContext? {
        guard settings.url.isSecure else { return nil }
        do throws(OpenSSLFailure) {
            return try ClientContext(trusting: settings.authorities)
        } catch {
            throw ProgramFailure("its authorities can't be used: \(error)")
        }
    }

    private static func result(
        _ what: String, _ settings: UpstreamSettings, _ time: Duration, _ tls: ClientContext?, _ loop: EventLoop,
        _ resolver: Resolver
    ) -> Finding {
        let outcome = Mutex<Finding?>(nil)
        let done = Bell()
        let url = settings.url
        loop.spawn {
            let text = await UpstreamProbe.connect(url, tls, MonotonicTime.now + time, resolver)
            let good = Finding(
                .good, what, "\(url.authority) answers" + (tls == nil ? "" : ", its certificate is good"))
            outcome.withLock { $0 = text.map { Finding(.wrong, what, "\(url.authority): \($0)") } ?? good }
            done.ring()
        }
        done.wait(until: MonotonicTime.now + time + .seconds(5))
        return outcome.withLock { $0 } ?? Finding(.wrong, what, "\(url.authority): no answer in time")
    }

    /// Why it can't be reached; nil when it can.
    private static func connect(
        _ url: UpstreamURL, _ tls: ClientContext?, _ deadline: MonotonicTime, _ resolver: Resolver
    ) async -> String? {
        do throws(ResolutionFailure) {
            let addresses = try await resolver.addresses(of: url.host, port: url.port, deadline: deadline)
            var failure = "its name has no address"
            for address in addresses {
                do throws(StreamFailure) {
                    let stream = try await ByteStream.connect(
                        address, tls: tls, serverName: url.host, deadline: deadline)
                    stream.close()
                    return nil
                } catch {
                    failure = "\(address): \(words(error))"
                }
            }
            return failure
        } catch {
            return "its name can't be resolved: \(error)"
        }
    }

    private static func words(_ failure: StreamFailure) -> String {
        switch failure {
        case .certificate(let failure): "its certificate isn't accepted: \(failure)"
        case .tls(let failure): "no TLS: \(failure)"
        case .system(let failure): SystemFailure.text(of: failure.errno)
        case .timedOut: "no answer in time"
        case .reset, .truncated, .closed, .interrupted: "it broke the connection off"
        }
    }
}
