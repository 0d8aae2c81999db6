import Bytes
import System

/// A record on its way to the disk, and who waits for it.
struct Waiting: Sendable {
    typealias Waiter = CheckedContinuation<Result<AuditReceipt, AuditFailure>, Never>

    let draft: Draft
    let waiter: Waiter?
}

/// Where tasks hand records in and the writer takes them: the only state that threads share. The lock is held for a few lines
/// and never while anything waits.
final class Desk: Sendable {
    /// Rings when there is something for the writer.
    let bell = Bell()
    /// Rings when the log is over, for the watch.
    let watchBell = Bell()
    /// Rings when the log is over, for the notary.
    let notaryBell = Bell()
    private let limits: (records: Int, bytes: Int)
    private let state: Guarded<State>

    private struct State {
        var log = AuditHealth.State.running
        /// Whether a suspended log still takes what ends allowed calls.
        var hasReserve = false
        var isClosing = false
        var queue: [Waiting] = []
        var queueBytes = 0
        /// What the writer took and has not settled. The watch takes it away when the disk does not answer.
        var writing: [Waiting]?
        var writingSince = MonotonicTime.distantFuture
        var isWriterAsleep = false
        var refused: UInt64 = 0
        /// How many were refused before the log was suspended.
        var refusedBefore: UInt64 = 0
        var report: Report

        var isOver: Bool {
            switch log {
            case .closed, .poisoned: true
            case .running, .suspended: false
            }
        }
    }

    /// What the writer tells after each batch.
    struct Report: Sendable {
        var durableRecords: UInt64
        /// The last of them.
        var lastLeaf: [UInt8]
        var openIntents: Int
        var batches: UInt64 = 0
        var lastDurable: WallTime
        var segment: String
        var hasSpare: Bool
    }

    init(records: Int, bytes: Int, report: Report) {
        limits = (records, bytes)
        state = Guarded(State(report: report))
    }

    /// Takes a record, or says why not. The log's own records pass the queue's limits.
    func hand(_ waiting: Waiting, isOwn: Bool = false) -> AuditFailure? {
        let (failure, mustRing) = state.withLock { state -> (AuditFailure?, Bool) in
            if let failure = refusal(of: waiting.draft, isOwn: isOwn, state) {
                state.refused += 1
                return (failure, false)
            }
            state.queue.append(waiting)
            state.queueBytes += waiting.draft.body.count
            defer { state.isWriterAsleep = false }
            return (nil, state.isWriterAsleep)
        }
        if mustRing { bell.ring() }
        return failure
    }

    private func refusal(of draft: Draft, isOwn: Bool, _ state: State) -> AuditFailure? {
        switch state.log {
        case .running: break
        case .suspended(let why): if !(state.hasReserve && draft.kind.isTakenWhenSuspended) { return .suspended(why) }
        case .poisoned(let failure): return .poisoned(failure)
        case .closed: return .closed
        }
        if state.isClosing { return .closed }
        let isFull = state.queue.count >= limits.records || state.queueBytes + draft.body.count > limits.bytes
        return isFull && !isOwn ? .queueFull : nil
    }

    /// How the log is.
    var health: AuditHealth {
        state.withLock { state in
            AuditHealth(
                state: state.log, durableRecords: state.report.durableRecords, waitingRecords: state.queue.count,
                waitingBytes: state.queueBytes, openIntents: state.report.openIntents, refusedRecords: state.refused,
                batches: state.report.batches, lastDurable: state.report.lastDurable, segment: state.report.segment,
                hasRoomForNextSegment: state.report.hasSpare)
        }
    }

    /// No new records from here on.
    func beginClosing() {
        state.withLock { $0.isClosing = true }
        bell.ring()
    }

    /// Whether the log will not write again.
    var isOver: Bool { state.withLock { $0.isOver } }
}

// MARK: The writer's side

extension Desk {
    /// The next batch; empty when the moment came first.
    func take(batchBytes: Int, until deadline: MonotonicTime) -> [Waiting] {
        if let batch = takeWhatWaits(batchBytes) { return batch }
        bell.wait(until: deadline)
        let batch = takeWhatWaits(batchBytes) ?? []
        state.withLock { $0.isWriterAsleep = false }
        return batch
    }

    /// Lets records gather. Ends early only when the bell was rung for something else, such as the end.
    func rest(until moment: MonotonicTime) {
        bell.wait(until: moment)
    }

    private func takeWhatWaits(_ batchBytes: Int) -> [Waiting]? {
        state.withLock { state in
            if state.queue.isEmpty {
                state.isWriterAsleep = !state.isClosing
                return state.isClosing ? [] : nil
            }
            var bytes = 0
            var count = 0
            while count < state.queue.count, count < 4_096, bytes < batchBytes {
                bytes += state.queue[count].draft.body.count
                count += 1
            }
            let batch = count == state.queue.count ? state.queue : Array(state.queue[..<count])
            if count == state.queue.count {
                state.queue = []
                state.queue.reserveCapacity(count)
            } else {
                state.queue.removeFirst(count)
            }
            state.queueBytes -= bytes
            state.writing = batch
            state.writingSince = .now
            return batch
        }
    }

    /// The batch is on disk; false when nobody waits for it any more because the disk took too long.
    func settle(_ report: Report) -> Bool {
        state.withLock { state in
            state.report = report
            state.writingSince = .distantFuture
            defer { state.writing = nil }
            return state.writing != nil
        }
    }

    /// From now on nothing is taken, except, with a reserve, what ends allowed calls. Answers who is to be refused.
    func suspend(_ why: AuditSuspension, hasReserve: Bool) -> [Waiting] {
        state.withLock { Desk.suspend(&$0, why, hasReserve: hasReserve) }
    }

    private static func suspend(_ state: inout State, _ why: AuditSuspension, hasReserve: Bool) -> [Waiting] {
        if state.isOver { return [] }
        if state.log == .running { state.refusedBefore = state.refused }
        state.log = .suspended(why)
        state.hasReserve = hasReserve
        let all = (state.writing ?? []) + state.queue
        let kept = hasReserve ? all.filter { $0.draft.kind.isTakenWhenSuspended } : []
        let refused = hasReserve ? all.filter { !$0.draft.kind.isTakenWhenSuspended } : all
        state.writing = nil
        state.writingSince = .distantFuture
        state.queue = kept
        state.queueBytes = kept.reduce(0) { $0 + $1.draft.body.count }
        state.refused += UInt64(refused.count)
        return refused
    }

    /// The log writes again.
    func resume(_ report: Report) {
        state.withLock { state in
            if state.isOver { return }
            state.log = .running
            state.hasReserve = false
            state.report = report
        }
    }

    /// The log will not write again. Answers who is to be told.
    func end(_ log: AuditHealth.State, _ report: Report? = nil) -> [Waiting] {
        defer {
            watchBell.ring()
            notaryBell.ring()
        }
        return state.withLock { state in
            // What is poisoned is not closed in good order any more.
            if !state.isOver { state.log = log }
            if let report { state.report = report }
            state.hasReserve = false
            let all = (state.writing ?? []) + state.queue
            state.writing = nil
            state.queue = []
            state.queueBytes = 0
            state.refused += UInt64(all.count)
            return all
        }
    }

    /// How many records were refused since the log was suspended.
    var refusedMeanwhile: UInt64 { state.withLock { $0.refused - $0.refusedBefore } }

    /// What the writer may do now.
    var condition: (log: AuditHealth.State, hasReserve: Bool, isClosing: Bool) {
        state.withLock { ($0.log, $0.hasReserve, $0.isClosing) }
    }
}

// MARK: The notary's side

extension Desk {
    /// Where the trail stands on disk.
    var head: TrailHead {
        state.withLock { TrailHead(next: $0.report.durableRecords, lastLeaf: $0.report.lastLeaf) }
    }
}

// MARK: The watch's side

extension Desk {
    /// Gives up on a batch that the disk does not answer for. Answers who is to be refused; the writer will find that nobody
    /// waits any more.
    func abandonIfStalled(for limit: Duration) -> [Waiting] {
        let now = MonotonicTime.now
        return state.withLock { state in
            guard state.writing != nil, now - state.writingSince > limit else { return [] }
            return Desk.suspend(&state, .stalled, hasReserve: false)
        }
    }
}
