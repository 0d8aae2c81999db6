public import Bytes

/// Where a connection comes from: an IP address as text, and a port.
public struct PeerAddress: Hashable, Sendable {
    /// The address in its usual notation, without brackets.
    public let address: ByteString
    /// 0 to 65535.
    public let port: Int

    /// An address that the kernel gave.
    public init(address: ByteString, port: Int) {
        self.address = address
        self.port = port
    }
}

/// Why an exchange cannot go on. After any of these but `.answered` and `.tooLarge` the connection is of no
/// more use; over HTTP/2, the stream.
public enum ExchangeFailure: Error, Equatable, Sendable {
    /// The body is larger than the reader wanted.
    case tooLarge
    /// The body's framing is broken.
    case malformed(HTTPFailure)
    /// The peer took longer than it may.
    case slow
    /// The peer closed, or the exchange was cut.
    case gone
    /// An answer was begun already; this one was not sent.
    case answered
}

/// One request as the edge read it, and the answer that is owed for it.
///
/// Implemented by the edge (on a socket) and by the test kit (in memory). Not Sendable: it lives on one event loop. Whoever
/// returns without having answered leaves the edge to answer 500.
public protocol Exchange: AnyObject {
    /// The head, within limits and unambiguous.
    var head: RequestHead { get }
    /// Who sent it.
    var peer: PeerAddress { get }

    /// The client's certificate in DER, verified by the edge; nil when there is none.
    var clientCertificate: [UInt8]? { get }

    /// Reads the whole body, at most `limit` bytes of it; call it once.
    func readBody(limit: Int) async throws(ExchangeFailure) -> [UInt8]

    /// Sends a complete answer; framing and date are added.
    func respond(_ response: Response) async throws(ExchangeFailure)

    /// Begins an answer of unknown length. `head.framing` is ignored: framing is the edge's business.
    func beginStream(_ head: ResponseHead) async throws(ExchangeFailure)

    /// Sends a piece of the stream. Waits while the peer does not read, and fails when that takes too long.
    func write(_ bytes: [UInt8]) async throws(ExchangeFailure)

    /// Ends the stream properly. Without it the peer sees a cut message, as it must when the answer is not whole.
    func endStream() async throws(ExchangeFailure)

    /// Sets what is called, once and on this loop, when the peer closes (over HTTP/2: gives up the stream, too) before the
    /// answer is finished; nil removes it.
    func whenGone(_ action: (() -> Void)?)

    /// Drops the connection now; over HTTP/2, the stream alone. A pending read or write fails with `.gone`.
    func cut()
}

extension Exchange {
    /// None, for exchanges that know no certificates.
    public var clientCertificate: [UInt8]? { nil }
}

/// The answer that is owed: can be given once, and not forgotten into a second one.
public struct Responder: ~Copyable {
    private let exchange: any Exchange

    /// The right to answer this exchange. Make one per exchange.
    public init(_ exchange: any Exchange) {
        self.exchange = exchange
    }

    /// Gives a complete answer.
    public consuming func send(_ response: Response) async throws(ExchangeFailure) {
        try await exchange.respond(response)
    }

    /// Begins an answer of unknown length.
    public consuming func stream(_ head: ResponseHead) async throws(ExchangeFailure) -> ResponseStream {
        try await exchange.beginStream(head)
        return ResponseStream(exchange)
    }
}

/// An answer that has begun. Dropped without `finish`, it leaves the peer a message that is visibly cut.
public struct ResponseStream: ~Copyable {
    private let exchange: any Exchange

    init(_ exchange: any Exchange) {
        self.exchange = exchange
    }

    /// Sends a piece; see `Exchange.write`.
    public func write(_ bytes: [UInt8]) async throws(ExchangeFailure) {
        try await exchange.write(bytes)
    }

    /// Ends the answer properly.
    public consuming func finish() async throws(ExchangeFailure) {
        try await exchange.endStream()
    }
}
