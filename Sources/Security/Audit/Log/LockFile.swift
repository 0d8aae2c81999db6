import System

/// Keeps a second writer out of the trail's directory: `LOCK`, held by flock(2) for as long as this lives. The kernel releases
/// it however the process ends.
final class LockFile: Sendable {
    private let file: File
    private let path: String

    /// Takes the lock. A reader that looks whether the log is being written holds it for a moment, so a few tries are made.
    init(directory: String, name: String = "LOCK", content: String) throws(AuditFailure) {
        path = "\(directory)/\(name)"
        do throws(SystemFailure) {
            file = try File(path, .readAndWriteCreating(permissions: 0o640))
            let pause = Bell()
            var tries = 20
            while try !file.tryLock() {
                tries -= 1
                if tries == 0 { throw SystemFailure(call: "flock", errno: 11, path: path) }
                pause.wait(until: .now + .milliseconds(25))
            }
            // A symbolic link here could make us cut another file short.
            guard isInPlace else { throw SystemFailure(call: "open", errno: 40, path: path) }
            try file.truncate(to: 0)
            try file.write(Array("\(content)\n".utf8), at: 0)
        } catch {
            throw error.call == "flock" ? .locked(directory: directory) : .system(error)
        }
    }

    /// Whether the path still names the locked file: otherwise another process can lock another one.
    var isInPlace: Bool {
        guard let open = try? file.status(), let named = try? Files.linkStatus(path) else { return false }
        return open.device == named.device && open.inode == named.inode
    }
}
