public import Bytes
public import Identity
public import MCP
public import OpenSSL

/// The `requestState` of results that ask for input (2026-07-28, `basic/patterns/mrtr`), as clients are given it: encrypted and
/// authenticated, so that it can be neither read nor changed, and of use to nobody but who was asked, for nothing but the same
/// request, for as long as what proved who they are.
///
/// The key lives as long as the process: after a restart a client begins its request anew.
public struct RequestStates: Sendable {
    /// What a state is bound to. A request that differs in any of it does not open the state.
    public struct Binding: Sendable {
        let context: [UInt8]

        /// - Parameters:
        ///   - target: the tool, prompt or resource.
        ///   - arguments: a digest of everything else that was asked with.
        public init(_ principal: Principal, _ method: MCP.Method, target: ByteString, arguments: [UInt8]) {
            var packed = Packing()
            for part in [principal.upstream, principal.subject, principal.issuer ?? "", method.name, target] {
                packed.add(part.bytes)
            }
            packed.add(principal.issuer == nil ? [0] : [1])
            packed.add(principal.endpoint.map(\.text.bytes) ?? [])
            packed.add(principal.apiToken.map(\.text.bytes) ?? [])
            packed.add(principal.policy?.bytes ?? [])
            packed.add(arguments)
            context = packed.bytes
        }
    }

    /// What a state says.
    public struct Contents: Hashable, Sendable {
        /// The server's own state, byte for byte; nil when it gave none.
        public let servers: ByteString?
        /// The keys of what the client was asked: only these may be answered.
        public let asked: Set<ByteString>

        /// What a state is to say.
        public init(servers: ByteString?, asked: Set<ByteString>) {
            self.servers = servers
            self.asked = asked
        }
    }

    private let key: SealingKey

    /// How long a state is good for, in nanoseconds, when nothing ends earlier: an hour, for people who have to be asked.
    private static let life: Int64 = 3_600_000_000_000

    /// States under a fresh key.
    ///
    /// - Throws: when the machine has no randomness.
    public init() throws(OpenSSLFailure) {
        key = try SealingKey()
    }

    /// The text that the client is given; nil when it cannot be made.
    ///
    /// - Parameters:
    ///   - now: nanoseconds of the wall clock.
    ///   - end: the end of what proved who the principal is, by the same clock.
    public func seal(_ contents: Contents, for binding: Binding, now: Int64, end: Int64?) -> ByteString? {
        let (soon, isFar) = now.addingReportingOverflow(RequestStates.life)
        var packed = Packing()
        packed.add(bigEndian(UInt64(bitPattern: min(isFar ? .max : soon, end ?? .max))))
        packed.add(contents.servers == nil ? [0] : [1])
        packed.add(contents.servers?.bytes ?? [])
        for asked in contents.asked.sorted() { packed.add(asked.bytes) }
        guard let sealed = try? key.seal(packed.bytes, for: binding.context) else { return nil }
        return ByteString(Base64URL.encode(sealed))
    }

    /// What a state says that a client brings back; nil when it was made for anything else, was changed, or is over.
    public func open(_ text: ByteString, for binding: Binding, now: Int64) -> Contents? {
        guard let sealed = Base64URL.decode(text), let packed = key.open(sealed, for: binding.context),
            let parts = Packing.parts(of: packed), parts.count >= 3, parts[0].count == 8
        else { return nil }
        let end = Int64(bitPattern: parts[0].reduce(0) { $0 << 8 | UInt64($1) })
        guard now < end else { return nil }
        return Contents(
            servers: parts[1] == [1] ? ByteString(parts[2]) : nil, asked: Set(parts[3...].map { ByteString($0) }))
    }
}

/// Byte strings one after another, each with its length before it, so that no two lists are written alike.
private struct Packing {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ part: [UInt8]) {
        bytes += bigEndian(UInt64(part.count))
        bytes += part
    }

    static func parts(of bytes: [UInt8]) -> [[UInt8]]? {
        var parts: [[UInt8]] = []
        var place = 0
        while place < bytes.count {
            guard bytes.count - place >= 8 else { return nil }
            let count = bytes[place..<(place + 8)].reduce(0) { $0 << 8 | UInt64($1) }
            place += 8
            guard count <= UInt64(bytes.count - place) else { return nil }
            parts.append(Array(bytes[place..<(place + Int(count))]))
            place += Int(count)
        }
        return parts
    }
}

private func bigEndian(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
}
