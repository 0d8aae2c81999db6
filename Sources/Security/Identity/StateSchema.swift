internal import SQLite
internal import System

/// What the database holds. A version is never changed once it was released: changes are a further one.
///
/// Who can write this file can let anybody in, and cannot learn a secret from it. Who can only read it learns who may
/// come in, and no secret either (design 1.4).
enum StateSchema {
    /// Brings the database to the newest version. All steps are one transaction: a crash leaves the version before.
    static func migrate(_ database: borrowing Database, keyCheck: [UInt8]) throws(StateFailure) {
        let failing = { (failure: SQLiteFailure) in StateFailure(failure) }
        let version = try reading { () throws(SQLiteFailure) in try database.userVersion() }
        guard version <= versions.count else {
            throw StateFailure(
                .tooNew, "the database is of version \(version), this program knows up to \(versions.count)")
        }
        if version < versions.count {
            try database.transaction(failing: failing) { () throws(StateFailure) in
                // Read again: another process may have brought it here while we waited for the lock.
                let version = try reading { () throws(SQLiteFailure) in try database.userVersion() }
                for step in versions.dropFirst(Int(version)) {
                    try reading { () throws(SQLiteFailure) in try database.execute(step) }
                }
            }
        }
        try checkKey(database, keyCheck)
    }

    /// Remembers at the first opening which key the secrets are hashed with, and insists on it later.
    private static func checkKey(_ database: borrowing Database, _ keyCheck: [UInt8]) throws(StateFailure) {
        let stored = try reading { () throws(SQLiteFailure) -> [UInt8]? in
            try database.run("INSERT OR IGNORE INTO facts VALUES ('key_check', ?1)", .blob(keyCheck))
            var statement = try database.prepare("SELECT value FROM facts WHERE name = 'key_check'")
            return try statement.step() ? statement.blob(0) : nil
        }
        guard stored == keyCheck else {
            throw StateFailure(.keyOfAnother, "the database was made with another token key than the configured one")
        }
    }

    private static let versions: [StaticString] = [
        """
        CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE endpoints (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, upstream TEXT NOT NULL, methods TEXT, tags TEXT, tools TEXT,
            policy TEXT, require_api_token_auth INTEGER NOT NULL, secret_hmac BLOB NOT NULL UNIQUE, expires_at INTEGER,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, created_by TEXT NOT NULL,
            revision INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX endpoints_by_age ON endpoints (upstream, created_at, id);

        CREATE TABLE api_tokens (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, subject TEXT NOT NULL, groups TEXT NOT NULL,
            endpoints TEXT NOT NULL, upstreams TEXT NOT NULL, kind TEXT NOT NULL, secret_hmac BLOB UNIQUE,
            expires_at INTEGER, created_at INTEGER NOT NULL, created_by TEXT NOT NULL, revoked_at INTEGER,
            revision INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE changes (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL
        ) STRICT;

        CREATE TABLE watchers (
            watcher TEXT PRIMARY KEY, pid INTEGER NOT NULL, applied_change INTEGER NOT NULL, seen_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        PRAGMA user_version = 1;
        """,
        """
        ALTER TABLE changes ADD COLUMN made_by TEXT;

        CREATE TABLE admin_tokens (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, secret_hmac BLOB NOT NULL UNIQUE,
            expires_at INTEGER, created_at INTEGER NOT NULL, created_by TEXT NOT NULL, revoked_at INTEGER
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE repeatable_requests (
            key_hmac BLOB PRIMARY KEY, owner TEXT NOT NULL, request_hmac BLOB NOT NULL, subject TEXT NOT NULL,
            kept_until INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        PRAGMA user_version = 2;
        """,
    ]
}

/// Runs `body` and tells SQLite's failure as ours.
func reading<Result>(_ body: () throws(SQLiteFailure) -> Result) throws(StateFailure) -> Result {
    do throws(SQLiteFailure) { return try body() } catch { throw StateFailure(error) }
}
