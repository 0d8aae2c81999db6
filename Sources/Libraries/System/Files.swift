internal import CLinux
internal import Glibc

/// Files and folders by path. Every call blocks: not for an event loop's thread.
public enum Files {
    /// The whole file; nil when it holds more than `limit` bytes.
    public static func read(_ path: String, limit: Int) throws(SystemFailure) -> [UInt8]? {
        let number = try checked("open", path) { unsafe komainu_open(path, O_RDONLY, 0) }
        let descriptor = Descriptor(owning: number)
        return try readAll(descriptor.number, limit: limit, path: path)
    }

    /// Replaces a file's content in one step: a temporary file beside it is written, synchronised and renamed, and the
    /// folder synchronised. After a crash the path names the old content or the new, never a mixture; a file called
    /// `.NAME.new` may stay behind and is overwritten the next time. One writer at a time per path.
    public static func replace(_ path: String, with bytes: [UInt8], permissions: UInt32) throws(SystemFailure) {
        let (folder, name) = split(path)
        let temporary = "\(folder)/.\(name).new"
        try? remove(temporary)
        do throws(SystemFailure) {
            let file = try File(temporary, .readAndWriteNew(permissions: permissions))
            try file.write(bytes, at: 0)
            try file.synchronize()
        } catch {
            try? remove(temporary)
            throw error
        }
        try rename(temporary, to: path)
        try synchronizeFolder(folder)
    }

    /// Gives a file another name, replacing what had it. Durable only after `synchronizeFolder`.
    public static func rename(_ path: String, to target: String) throws(SystemFailure) {
        _ = try checked("rename", path) { unsafe komainu_rename(path, target) }
    }

    /// Removes a file's name.
    public static func remove(_ path: String) throws(SystemFailure) {
        _ = try checked("unlink", path) { unsafe unlink(path) }
    }

    /// Removes an empty folder.
    public static func removeFolder(_ path: String) throws(SystemFailure) {
        _ = try checked("rmdir", path) { unsafe rmdir(path) }
    }

    /// Removes a folder and all in it, without following symbolic links out of it.
    public static func removeTree(_ path: String) throws(SystemFailure) {
        for name in try list(path) {
            let inner = "\(path)/\(name)"
            if try linkStatus(inner).kind == .folder {
                try removeTree(inner)
            } else {
                try remove(inner)
            }
        }
        try removeFolder(path)
    }

    /// Makes a folder's entries (new, renamed and removed names) survive a power cut.
    public static func synchronizeFolder(_ path: String) throws(SystemFailure) {
        let number = try checked("open", path) { unsafe komainu_open(path, O_RDONLY | O_DIRECTORY, 0) }
        let descriptor = Descriptor(owning: number)
        _ = try checked("fsync", path) { fsync(descriptor.number) }
    }

    /// Makes a folder; one that exists is left as it is.
    public static func makeFolder(_ path: String, permissions: UInt32) throws(SystemFailure) {
        do throws(SystemFailure) {
            _ = try checked("mkdir", path) { unsafe mkdir(path, permissions) }
        } catch {
            guard error.errno == EEXIST, (try? status(path))?.kind == .folder else { throw error }
        }
    }

    /// Makes a folder and those above it that are missing.
    public static func makeFolders(_ path: String, permissions: UInt32) throws(SystemFailure) {
        if (try? status(path))?.kind == .folder { return }
        let (parent, _) = split(path)
        if parent != path, parent != ".", parent != "/" { try makeFolders(parent, permissions: permissions) }
        try makeFolder(path, permissions: permissions)
    }

    /// A fresh folder for temporary files, readable by this user only; the caller removes it.
    public static func makeTemporaryFolder(prefix: String) throws(SystemFailure) -> String {
        let base = CurrentProcess.environment("TMPDIR") ?? "/tmp"
        var template = Array("\(base)/\(prefix)XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return false }
            return unsafe mkdtemp(start) != nil
        }
        guard made else { throw SystemFailure(call: "mkdtemp", errno: errno, path: base) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The names in a folder, sorted by bytes, without `.` and `..`. Names that are not UTF-8 are left out.
    public static func list(_ path: String) throws(SystemFailure) -> [String] {
        guard let folder = unsafe opendir(path) else {
            throw SystemFailure(call: "opendir", errno: errno, path: path)
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while true {
            Glibc.errno = 0
            guard let entry = unsafe readdir(folder) else {
                guard errno == 0 else { throw SystemFailure(call: "readdir", errno: errno, path: path) }
                return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                let length = unsafe bytes.firstIndex(of: 0) ?? bytes.count
                return unsafe String(validating: bytes[..<length], as: UTF8.self)
            }
            if let name, name != ".", name != ".." { names.append(name) }
        }
    }

    /// What the path names, symbolic links followed.
    public static func status(_ path: String) throws(SystemFailure) -> FileStatus {
        var raw = stat()
        _ = try checked("stat", path) { unsafe stat(path, &raw) }
        return FileStatus(raw)
    }

    /// What the path names, a symbolic link itself.
    public static func linkStatus(_ path: String) throws(SystemFailure) -> FileStatus {
        var raw = stat()
        _ = try checked("lstat", path) { unsafe lstat(path, &raw) }
        return FileStatus(raw)
    }

    /// Whether the path names anything.
    public static func exists(_ path: String) -> Bool { (try? status(path)) != nil }

    /// Changes the permission bits, such as 0o600.
    public static func setPermissions(_ path: String, _ permissions: UInt32) throws(SystemFailure) {
        _ = try checked("chmod", path) { unsafe chmod(path, permissions) }
    }

    /// Bytes that this user may still write to the file system that holds the path.
    public static func freeBytes(at path: String) throws(SystemFailure) -> Int64 {
        var raw = statvfs()
        _ = try checked("statvfs", path) { unsafe statvfs(path, &raw) }
        return Int64(clamping: UInt64(raw.f_bavail).multipliedReportingOverflow(by: UInt64(raw.f_frsize)).partialValue)
    }

    static func readAll(_ number: Int32, limit: Int, path: String) throws(SystemFailure) -> [UInt8]? {
        var bytes: [UInt8] = []
        let step = 64 * 1024
        let zeros = [UInt8](repeating: 0, count: step)
        while true {
            let start = bytes.count
            bytes.append(contentsOf: zeros)
            let got = try checked("read", path) {
                unsafe bytes.withUnsafeMutableBytes { all in
                    unsafe Glibc.read(number, all.baseAddress.map { unsafe $0 + start }, step)
                }
            }
            bytes.removeLast(step - got)
            if got == 0 { return bytes }
            if bytes.count > limit { return nil }
        }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: 0x2F) else { return (".", path) }
        let folder = slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
        return (folder, String(decoding: bytes[(slash + 1)...], as: UTF8.self))
    }
}
