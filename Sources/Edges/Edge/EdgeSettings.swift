public import Bytes
public import HTTP
public import OpenSSL
public import System

/// What one listener is to do. Changing a copy changes nothing that runs; see `Listener.update`.
public struct EdgeSettings: Sendable {
    /// Where to listen. Port 0 takes a free one: ask the listener which.
    public var listen: SocketAddress
    /// Certificate, key and rules; nil serves plain HTTP, which is for loopback only.
    public var tls: ServerContext?
    /// How much a message may hold.
    public var limits = HTTPLimits.standard
    /// What HTTP/2 adds to that. Whether clients get HTTP/2 is agreed on in TLS: see `ServerContext`.
    public var http2 = HTTP2Settings()
    /// How long a client may take.
    public var times = EdgeTimes()
    /// How many connections there may be; shared by all listeners that are given the same settings.
    public var admission = Admission()
    /// The authorities that requests may ask for, in lower case, as clients write them: without the port when it is the
    /// scheme's own. A listener on loopback also answers to `127.0.0.1`, `[::1]` and `localhost` with its port. Any other
    /// request is refused with 421: a page that reached us through DNS rebinding names its own host.
    public var allowedHosts: Set<ByteString>
    /// Switches the check above off. Dangerous for anything a browser can reach.
    public var acceptsAnyHostUnchecked = false
    /// Origins of pages that may call us besides those of our own hosts, in lower case, such as `https://app.example.com`.
    public var allowedOrigins: Set<ByteString> = []
    /// How long a refusal's record may hold up the refusal. It goes out also when nobody could be told.
    public var refusalRecordTime = Duration.seconds(2)
    /// The JSON that goes out with a refusal, from its status and its code.
    public var refusalBody: @Sendable (_ status: Int, _ code: String) -> [UInt8] = { _, code in
        Array("{\"error\":\"\(code)\"}".utf8)
    }

    /// Settings with the defaults above.
    public init(listen: SocketAddress, tls: ServerContext?, allowedHosts: Set<ByteString>) {
        self.listen = listen
        self.tls = tls
        self.allowedHosts = allowedHosts
    }
}

/// How long a client may take for each part of a connection. Every wait for a client ends by one of these.
public struct EdgeTimes: Sendable {
    /// The TLS handshake.
    public var handshake = Duration.seconds(10)
    /// Between two requests, and before the first byte of the first one. As nginx has it.
    public var idle = Duration.seconds(75)
    /// From a head's first byte to its last, however it trickles in.
    public var head = Duration.seconds(15)
    /// A body, and one second more for each `bodyBytesPerSecond` that came.
    public var body = Duration.seconds(30)
    /// What a body must bring on average after the time above: 16 KiB a second, a bad mobile line.
    public var bodyBytesPerSecond = 16 << 10
    /// Each 64 KiB of an answer.
    public var write = Duration.seconds(30)
    /// After our last word, for the client to read it, before the connection is closed.
    public var linger = Duration.seconds(2)

    /// The times above.
    public init() {}
}
