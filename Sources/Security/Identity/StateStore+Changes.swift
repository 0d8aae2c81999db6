public import Bytes
internal import SQLite
public import System

/// One change of the records, as it is kept for the audit trail: the last 10,000 are.
public struct StateChange: Hashable, Sendable {
    /// Its number among all changes.
    public let number: Int64
    /// When it was made.
    public let at: WallTime
    /// What was done, such as `endpoint.create`.
    public let what: ByteString
    /// The id of what was changed.
    public let subject: ByteString
    /// Who made it; nothing where that is not known.
    public let by: ByteString?
}

extension StateStore {
    /// The changes after a number, oldest first.
    public func changes(after number: Int64, limit: Int = 1_000) throws(StateFailure) -> [StateChange] {
        try read { (database) throws(StateFailure) in
            try reading { () throws(SQLiteFailure) in
                var statement = try database.prepare(
                    """
                    SELECT sequence, at, what, subject, made_by FROM changes WHERE sequence > ?1
                    ORDER BY sequence LIMIT ?2
                    """)
                try statement.bind([.integer(number), .integer(Int64(limit))])
                var changes: [StateChange] = []
                while try statement.step() {
                    guard let number = statement.integer(0), let at = statement.integer(1),
                        let what = statement.text(2), let subject = statement.text(3)
                    else { continue }
                    changes.append(
                        StateChange(
                            number: number, at: WallTime(nanoseconds: at), what: what, subject: subject,
                            by: statement.text(4)))
                }
                return changes
            }
        }
    }

    /// The last change that is in the audit trail; 0 when none is.
    public func lastRecordedChange() throws(StateFailure) -> Int64 {
        let digits = try read { (database) throws(StateFailure) in
            try reading { () throws(SQLiteFailure) -> [UInt8]? in
                var statement = try database.prepare("SELECT value FROM facts WHERE name = 'recorded_change'")
                return try statement.step() ? statement.blob(0) : nil
            }
        }
        guard let digits else { return 0 }
        guard let number = Int64(ByteString(digits).text) else {
            throw StateFailure(.damaged, "the number of the last recorded change is damaged")
        }
        return number
    }

    /// Remembers that the changes up to this one are in the audit trail. To be called after they are: a crash in between
    /// records some of them twice, under the same number.
    public func rememberRecordedChange(_ number: Int64) throws(StateFailure) {
        try read { (database) throws(StateFailure) in
            try reading { () throws(SQLiteFailure) in
                try database.run(
                    "INSERT INTO facts VALUES ('recorded_change', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1",
                    .blob([UInt8](String(number).utf8)))
            }
        }
    }
}
