internal import Bytes
internal import SQLite
internal import Synchronization
internal import System
internal import Telemetry

/// Looks at the database many times a second, on a thread of its own, and brings what others changed into the registry:
/// commands run in other processes, and what they revoke must be dead when they return.
///
/// First the leases end, then the change is acknowledged: who waits for the acknowledgement knows that it is over.
final class StateWatcher: Sendable {
    private let path: String
    private let state: RegistryState
    private let interval: Duration
    private let bell = Bell()
    private let isStopped = Atomic<Bool>(false)
    private let name: ByteString

    /// - Parameters:
    ///   - name: what it is enrolled as.
    ///   - interval: between two looks. One look costs a few microseconds while nothing has changed.
    init(path: String, name: ByteString, state: RegistryState, interval: Duration) {
        self.path = path
        self.name = name
        self.state = state
        self.interval = interval
    }

    /// Asks the thread to end; it does so at once, and takes back its acknowledgements.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        bell.ring()
    }

    /// The thread's body.
    func run() {
        var connection: WatchedDatabase?
        var applied: Int64?
        while !isStopped.load(ordering: .acquiring) {
            do throws(StateFailure) {
                if connection == nil || connection?.isStillTheFile(path) == false {
                    connection = try WatchedDatabase(path)
                    applied = nil
                }
                try connection?.look { (database) throws(StateFailure) in
                    applied = try refresh(from: database, applied: applied)
                }
                try connection?.acknowledge(applied ?? 0, as: name)
                state.markSeen(.now)
            } catch {
                // The registry refuses everybody once this has gone on for too long.
                Log.warning("identity.state_unreadable", ["reason": .text(error.message)])
                connection = nil
                bell.wait(until: MonotonicTime.now + .seconds(1))
                continue
            }
            bell.wait(until: MonotonicTime.now + interval)
        }
        connection?.withdraw(name)
    }

    private func refresh(from database: borrowing Database, applied: Int64?) throws(StateFailure) -> Int64 {
        if let applied, try lastChangeNumber(in: database) == applied { return applied }
        let snapshot = try StateSnapshot(reading: database)
        state.apply(snapshot)
        Log.debug("identity.refreshed", ["change": .int(snapshot.change)])
        return snapshot.change
    }
}

/// The watcher's own connection.
private final class WatchedDatabase {
    private let database: Database
    private let file: FileStatus
    private var version: Int64?
    private var acknowledged: (change: Int64, at: MonotonicTime)?

    init(_ path: String) throws(StateFailure) {
        do throws(SystemFailure) { file = try Files.status(path) } catch { throw StateFailure(error) }
        // Never made here: an empty file in place of a lost one would look like a house without endpoints.
        do throws(SQLiteFailure) { database = try Database(path, .readAndWrite) } catch { throw StateFailure(error) }
        // Our own commits are acknowledgements and mean nothing after a crash: they need not wait for the disk. Not OFF:
        // a checkpoint that we happen to make must wait, for it moves other people's changes.
        try reading { () throws(SQLiteFailure) in try database.execute("PRAGMA synchronous=NORMAL") }
    }

    /// Whether the path names the file that is open: a restored backup is another one.
    func isStillTheFile(_ path: String) -> Bool {
        guard let now = try? Files.status(path) else { return false }
        return now.inode == file.inode && now.device == file.device
    }

    /// Calls `body` when somebody has committed a change since the last time, and the first time.
    func look(_ body: (borrowing Database) throws(StateFailure) -> Void) throws(StateFailure) {
        // Read before the records: a change that comes in between is seen the next time.
        let version = try reading { () throws(SQLiteFailure) in try database.dataVersion() }
        guard version != self.version else { return }
        try body(database)
        self.version = version
    }

    /// Says which change is applied, when that is news, and each second that we live.
    func acknowledge(_ change: Int64, as name: ByteString) throws(StateFailure) {
        let now = MonotonicTime.now
        if let acknowledged, acknowledged.change == change, now - acknowledged.at < .seconds(1) { return }
        try reading { () throws(SQLiteFailure) in
            try database.run(
                "INSERT OR REPLACE INTO watchers VALUES (?1, ?2, ?3, ?4)", .text(name),
                .integer(Int64(CurrentProcess.identifier)), .integer(change), .integer(WallTime.now.nanoseconds))
        }
        acknowledged = (change, now)
    }

    func withdraw(_ name: ByteString) {
        try? database.run("DELETE FROM watchers WHERE watcher = ?1", .text(name))
    }
}
