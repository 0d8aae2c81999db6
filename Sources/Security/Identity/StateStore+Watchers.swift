internal import Bytes
internal import OpenSSL
internal import SQLite
internal import System

/// A proxy that watches the database and has told which change it applied last.
public struct WatcherState: Hashable, Sendable {
    /// Its process, in its own container's counting.
    public let process: Int32
    /// The last change it has applied: what that change revoked is dead there.
    public let appliedChange: Int64
}

extension StateStore {
    /// How long a proxy is believed to live after it was seen last. It says so each second; commands wait a little longer than this.
    static let watcherLifetime = Duration.seconds(4)

    /// Lets a proxy be waited for before it reads the records for the first time, so that no change slips between. The
    /// answer is the name by which it acknowledges. Those who died without a word an hour ago are forgotten.
    func enrolWatcher() throws(StateFailure) -> ByteString {
        let name = try fresh { () throws(OpenSSLFailure) in ByteString(Hex.encode(try Random.bytes(8))) }
        let now = WallTime.now.nanoseconds
        return try read { (database) throws(StateFailure) in
            try reading { () throws(SQLiteFailure) in
                try database.run("DELETE FROM watchers WHERE seen_at < ?1", .integer(now - 3_600_000_000_000))
                try database.run(
                    "INSERT INTO watchers VALUES (?1, ?2, 0, ?3)", .text(name),
                    .integer(Int64(CurrentProcess.identifier)), .integer(now))
            }
            return name
        }
    }

    /// The proxies that are alive.
    public func watchers() throws(StateFailure) -> [WatcherState] {
        try read { (database) throws(StateFailure) in
            var statement = try StateStore.prepared("SELECT pid, applied_change, seen_at FROM watchers", in: database)
            let horizon = WallTime.now - StateStore.watcherLifetime
            var found: [WatcherState] = []
            while try StateStore.step(&statement) {
                guard let pid = statement.integer(0), let applied = statement.integer(1),
                    let seen = statement.integer(2),
                    seen >= horizon.nanoseconds
                else { continue }
                found.append(WatcherState(process: Int32(clamping: pid), appliedChange: applied))
            }
            return found
        }
    }

    /// Waits until every living proxy has applied a change, at most so long. Blocks: for commands and their threads.
    ///
    /// - Returns: the proxies that have not; none when all have, or none is running.
    public func waitUntilApplied(_ change: Int64, within longest: Duration) throws(StateFailure) -> [WatcherState] {
        let deadline = MonotonicTime.now + longest
        let pause = Bell()
        while true {
            let behind = try watchers().filter { $0.appliedChange < change }
            if behind.isEmpty || MonotonicTime.now >= deadline { return behind }
            pause.wait(until: min(deadline, MonotonicTime.now + .milliseconds(5)))
        }
    }
}

extension WallTime {
    fileprivate static func - (moment: WallTime, duration: Duration) -> WallTime {
        WallTime(nanoseconds: moment.nanoseconds - duration.nanoseconds)
    }
}
