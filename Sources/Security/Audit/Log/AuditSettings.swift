/// Where the trail is and how it behaves.
public struct AuditSettings: Sendable {
    /// The trail's directory. Made when it is not there. Whoever can write it can destroy the trail, but not edit it unseen.
    public var directory: String
    /// The name of this log, a URL without its scheme, such as `mcp.example.com/audit`. It is fixed in the first record's
    /// chain: the directory of one origin cannot be opened as another.
    public var origin: String
    /// The folder of the log's keys. Whoever reads it can test guesses at what commitments hide; whoever deletes a subject's
    /// key erases that subject. Keep it out of the trail's directory and out of its copies.
    public var keys: String
    /// The folder of the anchor, a copy of the last signed checkpoint by which a rollback of the trail is noticed. On another
    /// volume or machine it is worth most; nil: in the folder of the keys. It must be there.
    public var anchor: String?
    /// Checkpoints are signed so far apart, when there is something new.
    public var checkpointInterval = Duration.seconds(1)
    /// Why the log is to get a new signing key as it is opened; nil when it keeps its key.
    public var rotation: String?
    /// What the process says of itself in `log.opened`, such as a version.
    public var program = "komainu"
    /// A segment is closed when it has this many bytes, or at midnight UTC. The disk must have room for two.
    public var segmentBytes = 64 << 20
    /// How many records may wait before further ones are refused at once.
    public var queueRecords = 10_000
    /// How many bytes may wait before further records are refused at once.
    public var queueBytes = 64 << 20
    /// A record at least this often proves that nothing happened in between.
    public var heartbeat = Duration.seconds(300)
    /// The log counts as stalled when the disk has not answered for this long.
    public var stall = Duration.seconds(10)
    /// How often a suspended log tries again.
    public var probe = Duration.seconds(5)
    /// Whether opening reads every segment, not only the last and the seals of the others.
    public var readsEverything = false
    /// Called once, on a thread of the log's, when its disk failed: the process should end with status 74 (EX_IOERR).
    public var whenPoisoned: @Sendable (AuditFailure) -> Void = { _ in }

    /// Settings with their defaults.
    public init(directory: String, origin: String, keys: String) {
        self.directory = directory
        self.origin = origin
        self.keys = keys
    }
}
