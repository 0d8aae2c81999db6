import Bytes
import System

/// Counts connections, and with HTTP/2 each further request on one as another, and says when there are too many. One of these may serve the listeners of several loops.
public final class Admission: Sendable {
    /// How many connections there may be.
    public let total: Int
    /// How many of them from one address; an IPv6 network of 64 bits is one address, because one host has all of it.
    public let perAddress: Int

    private let counts = Guarded(Counts())

    private struct Counts: Sendable {
        var total = 0
        var byAddress: [ByteString: Int] = [:]
    }

    /// What becomes of a connection.
    enum Verdict: Equatable, Sendable { case admitted, tooMany, tooManyFromAddress }

    /// Limits for connections.
    public init(total: Int = 10_000, perAddress: Int = 1_000) {
        self.total = total
        self.perAddress = perAddress
    }

    /// How many connections there are.
    public var count: Int { counts.withLock { $0.total } }

    /// Takes a place for a connection. Whoever got one gives it back with `leave`.
    func admit(_ key: ByteString) -> Verdict {
        counts.withLock { counts in
            guard counts.total < total else { return .tooMany }
            let here = counts.byAddress[key, default: 0]
            guard here < perAddress else { return .tooManyFromAddress }
            counts.byAddress[key] = here + 1
            counts.total += 1
            return .admitted
        }
    }

    func leave(_ key: ByteString) {
        counts.withLock { counts in
            counts.total -= 1
            let here = counts.byAddress[key, default: 1] - 1
            counts.byAddress[key] = here > 0 ? here : nil
        }
    }

    /// What an address is counted under: itself, or the first four groups of an IPv6 address.
    static func key(of address: String) -> ByteString {
        guard address.utf8.contains(UInt8(ascii: ":")) else { return ByteString(address) }
        let halves = address.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        var groups = halves[0].split(separator: ":").map(String.init)
        if halves.count == 2 {
            let after = halves[1].split(separator: ":").count
            while groups.count + after < 8 { groups.append("0") }
            groups += halves[1].split(separator: ":").map(String.init)
        }
        return ByteString(groups.prefix(4).joined(separator: ":") + "::/64")
    }
}
