public import Bytes
import OpenSSL

/// Where in which stream an event stood.
public struct EventMark: Hashable, Sendable {
    /// The stream, by its number in the session; 0 is the session's own.
    public let stream: UInt32
    /// The server's own id of the event.
    public let upstream: ByteString

    /// An event of a stream.
    public init(stream: UInt32, upstream: ByteString) {
        self.stream = stream
        self.upstream = upstream
    }
}

/// The ids that events have towards clients: the server's own, sealed together with the stream's number for one session.
///
/// An id is nobody's to read (a server could write anything into it), to make up or to take to another session. Under a key of
/// this start: after a restart no session is known either.
public struct EventIDs: Sendable {
    /// Nil when there was no randomness for a key: then no event has an id, and nothing can be resumed.
    private let key: SealingKey?
    /// The longest server's id that is carried, in bytes.
    public static let byteLimit = 256

    /// Ids under a new key.
    public init() {
        key = try? SealingKey()
    }

    /// The id of an event towards the client of a session; nil for what no HTTP field could bring back to the server.
    public func seal(_ mark: EventMark, in session: Session) -> ByteString? {
        let id = mark.upstream.bytes
        guard let key, (1...EventIDs.byteLimit).contains(id.count), id.allSatisfy({ (0x21...0x7e).contains($0) }),
            let sealed = try? key.seal(number(mark.stream) + id, for: session.id.bytes)
        else { return nil }
        return ByteString(Base64URL.encode(sealed))
    }

    /// What an id says that this session was given; nil for every other.
    public func open(_ id: ByteString, in session: Session) -> EventMark? {
        guard let key, id.count <= 2 * (EventIDs.byteLimit + SealingKey.overhead), let sealed = Base64URL.decode(id),
            let plain = key.open(sealed, for: session.id.bytes), plain.count > 4
        else { return nil }
        let number = plain.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return EventMark(stream: number, upstream: ByteString(Array(plain.dropFirst(4))))
    }

    private func number(_ stream: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> UInt32($0)) }
    }
}
