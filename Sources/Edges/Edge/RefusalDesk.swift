import Bytes
import HTTP
import Reactor
import System

/// Has refusals recorded: one by one where a request was refused, summed up where there was none.
final class RefusalDesk {
    private let observer: any RefusalObserver
    private let meter: EdgeMeter
    private let patience: Duration
    private let loop = EventLoop.current
    private var underWay = 0
    private var noted: [Key: (count: Int, peer: PeerAddress)] = [:]

    private struct Key: Hashable {
        let reason: EdgeRefusal.Reason
        /// Nil sums up the addresses beyond the limit.
        let address: ByteString?
    }

    /// Records that are being written at once. Beyond it a refusal goes out unrecorded, and is counted.
    private static let limit = 1_024
    /// Addresses that get a line of their own in one second.
    private static let addressLimit = 64

    init(_ observer: any RefusalObserver, _ meter: EdgeMeter, patience: Duration) {
        self.observer = observer
        self.meter = meter
        self.patience = patience
    }

    /// Has a refusal recorded, and waits for that no longer than the settings allow.
    func report(_ refusal: EdgeRefusal) async {
        guard let latch = tell(refusal) else { return }
        let timer = loop.schedule(after: patience) { latch.open() }
        await latch.wait()
        timer.cancel()
    }

    /// Notes a connection that ended before it asked anything. A record for each would let a sender of empty connections
    /// fill the audit trail.
    func note(_ reason: EdgeRefusal.Reason, _ peer: PeerAddress) {
        if noted.isEmpty {
            loop.schedule(after: .seconds(1)) { [self] in reportNoted() }
        }
        var key = Key(reason: reason, address: peer.address)
        if noted[key] == nil, noted.count >= Self.addressLimit { key = Key(reason: reason, address: nil) }
        noted[key] = ((noted[key]?.count ?? 0) + 1, peer)
    }

    private func reportNoted() {
        let all = noted
        noted = [:]
        for (key, (count, peer)) in all {
            _ = tell(
                EdgeRefusal(reason: key.reason, peer: peer, status: nil, time: .now, head: nil, count: count))
        }
    }

    /// Begins to record. Nil when too many records are under way already.
    private func tell(_ refusal: EdgeRefusal) -> Latch? {
        meter.refused(refusal)
        guard underWay < Self.limit else {
            meter.unrecorded()
            return nil
        }
        underWay += 1
        let latch = Latch()
        loop.spawnHere { [self] in
            await observer.refused(refusal)
            underWay -= 1
            latch.open()
        }
        return latch
    }
}

/// Opens once; who waits, on the same loop, goes on then.
private final class Latch {
    private var isOpen = false
    private var waiting: CheckedContinuation<Void, Never>?

    func open() {
        isOpen = true
        waiting?.resume()
        waiting = nil
    }

    func wait() async {
        guard !isOpen else { return }
        await withCheckedContinuation { waiting = $0 }
    }
}
