import Bytes
import Glibc
import System
import Testing

@testable import SQLite

/// A folder that lives as long as its test.
private final class Folder {
    let path: String
    init() throws { path = try Files.makeTemporaryFolder(prefix: "komainu-sqlite-") }
    deinit { try? Files.removeTree(path) }
    var file: String { path + "/test.db" }
}

private struct Refused: Error, Equatable {}

@Suite struct `A database` {
    @Test func `gives back what was bound, of every kind, empty and with zero bytes`() throws {
        let folder = try Folder()
        let database = try Database(folder.file, .readAndWriteCreating)
        try database.execute("CREATE TABLE t (i, n, t, e, b, z)")
        try database.run(
            "INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6)", .integer(.min), .null, .text("a\0\u{e9}'; DROP TABLE t--"),
            .text(""), .blob([0, 255]), .blob([]))
        var statement = try database.prepare("SELECT * FROM t")
        #expect(try statement.step())
        #expect(statement.integer(0) == .min)
        #expect(statement.integer(1) == nil)
        #expect(statement.text(1) == nil)
        #expect(statement.text(2) == "a\0\u{e9}'; DROP TABLE t--")
        #expect(statement.text(3) == "")
        #expect(statement.blob(4) == [0, 255])
        #expect(statement.blob(5) == [])
        #expect(statement.integer(2) == nil)
        #expect(statement.integer(6) == nil)
        #expect(statement.integer(-1) == nil)
        #expect(try !statement.step())
        #expect(statement.integer(0) == nil)
    }

    @Test func `keeps a transaction whole`() throws {
        let folder = try Folder()
        let database = try Database(folder.file, .readAndWriteCreating)
        try database.execute("CREATE TABLE t (a UNIQUE)")
        try database.transaction(failing: { $0 }) { () throws(SQLiteFailure) in
            try database.run("INSERT INTO t VALUES (1)")
        }
        #expect(throws: Refused.self) {
            try database.transaction(failing: { _ in Refused() }) { () throws(Refused) in
                do { try database.run("INSERT INTO t VALUES (2)") } catch { throw Refused() }
                throw Refused()
            }
        }
        let failure = #expect(throws: SQLiteFailure.self) {
            try database.transaction(failing: { $0 }) { () throws(SQLiteFailure) in
                try database.run("INSERT INTO t VALUES (3)")
                try database.run("INSERT INTO t VALUES (1)")
            }
        }
        #expect(failure?.isConstraint == true)
        #expect(try database.integer("SELECT count(*) FROM t") == 1)
    }

    @Test func `says when another has changed it, and when another holds it`() throws {
        let folder = try Folder()
        let one = try Database(folder.file, .readAndWriteCreating)
        try one.execute("CREATE TABLE t (a)")
        let two = try Database(folder.file, .readAndWrite, busyTimeout: .milliseconds(20))
        let before = try two.dataVersion()
        #expect(try two.dataVersion() == before)
        try two.run("INSERT INTO t VALUES (0)")
        #expect(try two.dataVersion() == before)
        try one.transaction(failing: { $0 }) { () throws(SQLiteFailure) in
            try one.run("INSERT INTO t VALUES (1)")
            let failure = #expect(throws: SQLiteFailure.self) { try two.run("INSERT INTO t VALUES (2)") }
            #expect(failure?.isBusy == true)
            #expect((try? two.integer("SELECT count(*) FROM t")) == 1)
        }
        #expect(try two.dataVersion() != before)
        #expect(try two.integer("SELECT count(*) FROM t") == 2)
    }

    @Test func `is only read when opened for reading, and not made by opening it`() throws {
        let folder = try Folder()
        #expect(throws: SQLiteFailure.self) { _ = try Database(folder.file, .read) }
        #expect(throws: SQLiteFailure.self) { _ = try Database(folder.file, .readAndWrite) }
        #expect(!Files.exists(folder.file))
        let writer = try Database(folder.file, .readAndWriteCreating)
        try writer.execute("CREATE TABLE t (a)")
        let reader = try Database(folder.file, .read)
        #expect(throws: SQLiteFailure.self) { try reader.run("INSERT INTO t VALUES (1)") }
        #expect(try reader.integer("SELECT count(*) FROM t") == 0)
    }

    @Test func `is a write-ahead log that is synchronised at each commit`() throws {
        let folder = try Folder()
        let database = try Database(folder.file, .readAndWriteCreating)
        var mode = try database.prepare("PRAGMA journal_mode")
        #expect(try mode.step() && mode.text(0) == "wal")
        #expect(try database.integer("PRAGMA synchronous") == 2)
        #expect(try database.integer("PRAGMA foreign_keys") == 1)
    }

    @Test func `that is no database is a failure that says so`() throws {
        let folder = try Folder()
        try Files.replace(folder.file, with: [UInt8](repeating: 65, count: 4096), permissions: 0o600)
        let failure = #expect(throws: SQLiteFailure.self) { _ = try Database(folder.file, .readAndWrite) }
        #expect(failure?.isCorrupt == true)
    }

    @Test func `refuses a statement with too few or too many values`() throws {
        let database = try Database(":memory:", .readAndWriteCreating)
        try database.execute("CREATE TABLE t (a, b)")
        #expect(throws: SQLiteFailure.self) { try database.run("INSERT INTO t VALUES (?1, ?2)", .null) }
        #expect(throws: SQLiteFailure.self) { try database.run("INSERT INTO t VALUES (?1, ?2)", .null, .null, .null) }
        #expect(throws: SQLiteFailure.self) { try database.run("INSERT INTO nowhere VALUES (1)") }
    }

    @Test func `keeps what was committed and nothing else when its process is killed`() async throws {
        let folder = try Folder()
        let path = folder.file
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let database = try Database(path, .readAndWriteCreating)
            try database.execute("CREATE TABLE t (a)")
            for value in Int64(0)..<50 { try database.run("INSERT INTO t VALUES (?1)", .integer(value)) }
            try database.transaction(failing: { $0 }) { () throws(SQLiteFailure) in
                for value in Int64(50)..<5000 { try database.run("INSERT INTO t VALUES (?1)", .integer(value)) }
                kill(getpid(), SIGKILL)
            }
        }
        let database = try Database(path, .readAndWrite)
        #expect(try database.integer("SELECT count(*) FROM t") == 50)
        var check = try database.prepare("PRAGMA integrity_check")
        #expect(try check.step() && check.text(0) == "ok")
    }
}
