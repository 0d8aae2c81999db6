import Bytes
import Synchronization
import System

/// Counts each source's failures to say who it is, so that guessing is answered less and less willingly.
///
/// It never keeps a valid token out: whoever holds one is served whatever others, or programs behind the same address,
/// did wrong. A token has 256 random bits, so a slower guesser is no likelier to be kept from one; what this limits is noise.
final class FailureThrottle: Sendable {
    /// So many failures at once are answered as failures.
    private static let burst = 20
    /// After them, one more for each time that this passes.
    private static let interval: Int64 = 3_000_000_000
    /// Sources that are remembered. Beyond it those whose last failure is longest forgiven are forgotten.
    private static let sourceLimit = 4_096

    /// The moment at which each source's failures will be forgiven, in nanoseconds of the monotonic clock.
    private let forgiven = Mutex<[ByteString: Int64]>([:])

    /// Counts a failure.
    ///
    /// - Returns: the seconds after which the source is answered again; nothing while it is within its measure.
    func fail(_ address: ByteString, at now: MonotonicTime) -> Int? {
        let source = FailureThrottle.source(address)
        return forgiven.withLock { forgiven in
            if forgiven.count >= FailureThrottle.sourceLimit, forgiven[source] == nil {
                FailureThrottle.forget(&forgiven, now.nanoseconds)
            }
            let start = max(forgiven[source] ?? 0, now.nanoseconds)
            let ahead = start - now.nanoseconds
            let most = Int64(FailureThrottle.burst - 1) * FailureThrottle.interval
            guard ahead <= most else { return Int((ahead - most + 999_999_999) / 1_000_000_000) }
            forgiven[source] = start + FailureThrottle.interval
            return nil
        }
    }

    private static func forget(_ forgiven: inout [ByteString: Int64], _ now: Int64) {
        forgiven = forgiven.filter { $0.value > now }
        guard forgiven.count >= sourceLimit else { return }
        let cut = forgiven.values.sorted()[sourceLimit / 2]
        forgiven = forgiven.filter { $0.value > cut }
    }

    /// An IPv6 customer has a network of 64 bits and as many addresses as it likes.
    private static func source(_ address: ByteString) -> ByteString {
        let parts = address.bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count > 2, !address.bytes.contains(UInt8(ascii: ".")) else { return address }
        // A short form (`::`) before the fifth group ends the network's part there.
        var network: [UInt8] = []
        for part in parts.prefix(4) {
            network += part + [UInt8(ascii: ":")]
            if part.isEmpty { break }
        }
        return ByteString(network)
    }
}
