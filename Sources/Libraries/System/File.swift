internal import CLinux
internal import Glibc

/// How a file is opened.
public enum FileAccess: Sendable {
    /// It must exist.
    case read
    /// It must exist.
    case readAndWrite
    /// Made when it does not exist, with these permissions (such as 0o600), lessened by the umask.
    case readAndWriteCreating(permissions: UInt32)
    /// It must not exist: made with these permissions.
    case readAndWriteNew(permissions: UInt32)
    /// Every write goes to the end; made when it does not exist.
    case append(permissions: UInt32)
}

/// What the kernel knows about a file.
public struct FileStatus: Hashable, Sendable {
    /// What kind of thing it is.
    public enum Kind: Sendable { case file, folder, symbolicLink, other }

    /// The device it is on; with `inode` it identifies the file.
    public let device: UInt64
    /// Its number on that device. A path whose inode changed names another file.
    public let inode: UInt64
    /// How many names it has; 0 when it was deleted while open.
    public let links: UInt64
    /// Bytes.
    public let size: Int64
    /// When its bytes last changed.
    public let modified: WallTime
    /// The permission bits, such as 0o600.
    public let permissions: UInt32
    /// Who owns it.
    public let owner: UInt32
    /// What kind of thing it is.
    public let kind: Kind

    init(_ raw: stat) {
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        links = UInt64(raw.st_nlink)
        size = Int64(raw.st_size)
        modified = WallTime(
            nanoseconds: Int64(raw.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(raw.st_mtim.tv_nsec))
        permissions = raw.st_mode & 0o7777
        owner = raw.st_uid
        switch raw.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .folder
        case S_IFLNK: kind = .symbolicLink
        default: kind = .other
        }
    }
}

/// One open file; closed when this value dies. Every call blocks: not for an event loop's thread.
public struct File: ~Copyable, Sendable {
    private let descriptor: Descriptor
    /// The path it was opened by, for messages.
    public let path: String

    /// Opens a file. Symbolic links are followed; the descriptor is closed on exec.
    public init(_ path: String, _ access: FileAccess) throws(SystemFailure) {
        let (flags, permissions): (Int32, UInt32) =
            switch access {
            case .read: (O_RDONLY, 0)
            case .readAndWrite: (O_RDWR, 0)
            case .readAndWriteCreating(let permissions): (O_RDWR | O_CREAT, permissions)
            case .readAndWriteNew(let permissions): (O_RDWR | O_CREAT | O_EXCL, permissions)
            case .append(let permissions): (O_WRONLY | O_CREAT | O_APPEND, permissions)
            }
        let number = try checked("open", path) { unsafe komainu_open(path, flags, permissions) }
        descriptor = Descriptor(owning: number)
        self.path = path
    }

    /// Writes all bytes at a place (pwrite), however many calls it takes. A crash in between leaves a part of them.
    public func write(_ bytes: Span<UInt8>, at offset: Int64) throws(SystemFailure) {
        var written = 0
        while written < bytes.count {
            written += try checked("pwrite", path) {
                unsafe bytes.withUnsafeBufferPointer { all in
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(all)[written...])
                    return unsafe pwrite(descriptor.number, rest.baseAddress, rest.count, Int(offset) + written)
                }
            }
        }
    }

    /// Writes all bytes at a place (pwrite), however many calls it takes. A crash in between leaves a part of them.
    public func write(_ bytes: [UInt8], at offset: Int64) throws(SystemFailure) {
        try write(bytes.span, at: offset)
    }

    /// Writes all bytes where the file's own position is: the end, for a file opened with `.append`.
    public func append(_ bytes: [UInt8]) throws(SystemFailure) {
        try Output.writeAll(bytes, to: descriptor.number, call: "write", path: path)
    }

    /// Reads up to `count` bytes at a place; fewer only when the file ends there.
    public func read(at offset: Int64, count: Int) throws(SystemFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let got = try checked("pread", path) {
                unsafe bytes.withUnsafeMutableBytes { all in
                    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: all[have...])
                    return unsafe pread(descriptor.number, rest.baseAddress, rest.count, Int(offset) + have)
                }
            }
            if got == 0 { break }
            have += got
        }
        bytes.removeLast(count - have)
        return bytes
    }

    /// Makes the written bytes, and the length needed to read them, survive a power cut (fdatasync).
    ///
    /// After a failure the kernel may have forgotten the pages: the bytes must be written again, or the file given up.
    public func synchronizeData() throws(SystemFailure) {
        _ = try checked("fdatasync", path) { fdatasync(descriptor.number) }
    }

    /// Makes bytes and all metadata survive a power cut (fsync).
    public func synchronize() throws(SystemFailure) {
        _ = try checked("fsync", path) { fsync(descriptor.number) }
    }

    /// Cuts or extends (with zeros) to a length.
    public func truncate(to length: Int64) throws(SystemFailure) {
        _ = try checked("ftruncate", path) { ftruncate(descriptor.number, Int(length)) }
    }

    /// Reserves disk blocks without changing the length, so that later writes cannot meet a full disk.
    public func reserve(from offset: Int64, length: Int64) throws(SystemFailure) {
        _ = try checked("fallocate", path) { komainu_reserve(descriptor.number, offset, length) }
    }

    /// Takes the file's exclusive lock (flock), held until this value dies; false when another holder has it.
    public func tryLock() throws(SystemFailure) -> Bool {
        do throws(SystemFailure) {
            _ = try checked("flock", path) { komainu_try_lock(descriptor.number) }
            return true
        } catch {
            guard error.errno == EWOULDBLOCK else { throw error }
            return false
        }
    }

    /// What the kernel knows about the open file, whatever its path names by now.
    public func status() throws(SystemFailure) -> FileStatus {
        var raw = stat()
        _ = try checked("fstat", path) { unsafe fstat(descriptor.number, &raw) }
        return FileStatus(raw)
    }
}

/// Writing to the process's own outputs without a buffer that a signal could lose.
public enum Output {
    /// Writes all bytes to standard error.
    public static func standardError(_ bytes: [UInt8]) throws(SystemFailure) {
        try writeAll(bytes, to: 2, call: "write", path: "stderr")
    }

    /// Writes all bytes to standard output.
    public static func standardOutput(_ bytes: [UInt8]) throws(SystemFailure) {
        try writeAll(bytes, to: 1, call: "write", path: "stdout")
    }

    /// Whether standard error is a terminal that a person looks at.
    public static var standardErrorIsTerminal: Bool { isatty(2) == 1 }

    /// Whether standard output is a terminal that a person looks at.
    public static var standardOutputIsTerminal: Bool { isatty(1) == 1 }

    /// What standard input holds until its end, up to `limit` bytes; nil when there is more.
    public static func readStandardInput(limit: Int) throws(SystemFailure) -> [UInt8]? {
        try Files.readAll(0, limit: limit, path: "stdin")
    }

    /// What standard input has, at most `limit` bytes, waiting until there is something; empty at its end.
    public static func readSomeStandardInput(limit: Int) throws(SystemFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = try checked("read", "stdin") {
            unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(0, $0.baseAddress, limit) }
        }
        bytes.removeLast(limit - count)
        return bytes
    }

    static func writeAll(_ bytes: [UInt8], to number: Int32, call: StaticString, path: String) throws(SystemFailure) {
        var written = 0
        while written < bytes.count {
            written += try checked(call, path) {
                unsafe bytes.withUnsafeBytes { all in
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: all[written...])
                    return unsafe Glibc.write(number, rest.baseAddress, rest.count)
                }
            }
        }
    }
}
