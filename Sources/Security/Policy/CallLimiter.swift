import Bytes
import Identity
import Synchronization
import System
import YAML

/// Counts calls per rule and caller: token buckets that hold one period's calls and refill evenly.
///
/// The table has an end. A bucket that has filled up again says nothing and is dropped when room is needed; when none has,
/// newcomers are refused rather than uncounted.
final class CallLimiter: Sendable {
    /// Whose calls are counted together.
    struct Key: Hashable, Sendable {
        let rule: Int
        let subject: ByteString
        let issuer: ByteString?
        let endpoint: EndpointID?

        init(rule: Int, _ principal: Principal) {
            self.rule = rule
            subject = principal.subject
            issuer = principal.issuer
            endpoint = principal.endpoint
        }
    }

    private struct Bucket {
        /// In nanoseconds of refill: a full bucket holds the period.
        var level: Int64
        var at: MonotonicTime
    }

    private struct State {
        var buckets: [Key: Bucket] = [:]
        var nextSweep = MonotonicTime(nanoseconds: .min)
    }

    /// Why no call could be taken.
    struct Refusal: Equatable {
        let rule: Int
        let wait: Duration
    }

    private let rates: [Int: Rate]
    private let limit: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - rates: The rules that count, with their rates.
    ///   - limit: How many buckets there may be. Default 50,000.
    init(_ rates: [Int: Rate], limit: Int = 50_000) {
        self.rates = rates
        self.limit = limit
    }

    /// Takes one call from the bucket of every rule that counts, or from none of them.
    ///
    /// - Returns: nil when taken, else the rule whose bucket needs longest.
    func take(_ rules: [Int], _ principal: Principal, at now: MonotonicTime) -> Refusal? {
        let wanted = rules.compactMap { rule in rates[rule].map { (Key(rule: rule, principal), $0) } }
        guard !wanted.isEmpty else { return nil }
        return state.withLock { state in
            if state.buckets.count + wanted.count > limit { sweep(&state, at: now) }
            var refusal: Refusal?
            var taken: [(Key, Bucket)] = []
            for (key, rate) in wanted {
                let bucket = Self.refilled(state.buckets[key], rate, at: now)
                let missing = Self.cost(rate) - bucket.level
                let hasNoRoom = state.buckets[key] == nil && state.buckets.count + wanted.count > limit
                let wait: Duration = missing > 0 ? .nanoseconds(missing) : hasNoRoom ? .seconds(1) : .zero
                if wait > refusal?.wait ?? .zero { refusal = Refusal(rule: key.rule, wait: wait) }
                taken.append((key, Bucket(level: bucket.level - Self.cost(rate), at: now)))
            }
            if refusal == nil { for (key, bucket) in taken { state.buckets[key] = bucket } }
            return refusal
        }
    }

    private static func cost(_ rate: Rate) -> Int64 { max(1, rate.period.nanoseconds / Int64(rate.count)) }

    private static func refilled(_ bucket: Bucket?, _ rate: Rate, at now: MonotonicTime) -> Bucket {
        let full = rate.period.nanoseconds
        guard let bucket else { return Bucket(level: full, at: now) }
        let passed = max(0, (now - bucket.at).nanoseconds)
        let (level, overflow) = bucket.level.addingReportingOverflow(passed)
        return Bucket(level: overflow ? full : min(full, level), at: now)
    }

    /// Drops the buckets that have filled up, at most once a second.
    private func sweep(_ state: inout State, at now: MonotonicTime) {
        guard now >= state.nextSweep else { return }
        state.nextSweep = now + .seconds(1)
        state.buckets = state.buckets.filter { key, bucket in
            guard let rate = rates[key.rule] else { return false }
            return Self.refilled(bucket, rate, at: now).level < rate.period.nanoseconds
        }
    }
}
