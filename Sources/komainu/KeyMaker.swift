import Configuration
import Identity
import System

/// Makes the keys that Komainu holds for itself, at the first start.
///
/// Keys are made before the database and never beside an existing one: a fresh key would silently make every stored token
/// unknown and every pseudonym another. After a crash in between the rest is made the next time.
struct KeyMaker {
    private let files: [String]
    private let database: String

    init(_ configuration: Configuration) {
        files = [configuration.tokens.hmacKey, configuration.tokens.signingKey, configuration.redactionKey]
        database = configuration.state
    }

    private var missing: [String] { files.filter { !Files.exists($0) } }

    /// Makes the keys that are missing, and the folder for the database.
    func makeMissing() throws(ProgramFailure) {
        guard !missing.isEmpty else { return }
        let lock = try locked(files[0] + ".lock")
        // Whoever held the lock before us may have made them.
        let missing = missing
        guard missing.isEmpty || !Files.exists(database) else {
            throw ProgramFailure(
                "`\(missing.joined(separator: "`, `"))` is missing beside the database `\(database)`; "
                    + "restore it, or remove the database, with which all endpoints and tokens end")
        }
        for path in missing {
            try attempting("a key's folder can't be made") { () throws(SystemFailure) in
                try Files.makeFolders(folder(of: path), permissions: 0o700)
            }
            do throws(StateFailure) {
                try KeyFile.create(path)
            } catch {
                throw ProgramFailure("a key can't be made: \(error)")
            }
        }
        _ = consume lock
    }

    /// Two programs may start at once, the proxy and a command: the lock decides who makes the keys.
    private func locked(_ path: String) throws(ProgramFailure) -> File {
        let lock = try attempting("the keys can't be made") { () throws(SystemFailure) in
            try Files.makeFolders(folder(of: path), permissions: 0o700)
            return try File(path, .readAndWriteCreating(permissions: 0o600))
        }
        let pause = Bell()
        for _ in 0..<200 {
            if try attempting("the keys can't be made", { () throws(SystemFailure) in try lock.tryLock() }) {
                return lock
            }
            pause.wait(until: MonotonicTime.now + .milliseconds(50))
        }
        throw ProgramFailure("`\(path)` has been locked by another program for 10 s")
    }
}

/// The folder that a path lies in.
func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
