internal import CLinux
internal import Glibc

/// A system call that failed.
public struct SystemFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call, such as "fdatasync".
    public let call: String
    /// The number that the kernel gave (errno).
    public let errno: Int32
    /// The file or address that was meant, where there is one. Never a secret: paths and addresses only.
    public let path: String?

    /// Makes a failure; `errno` must have been read at once after the call.
    public init(call: StaticString, errno: Int32, path: String? = nil) {
        self.call = "\(call)"
        self.errno = errno
        self.path = path
    }

    /// Such as "open var/audit/lock: Permission denied (13)".
    public var description: String {
        let reason = SystemFailure.text(of: errno)
        return path.map { "\(call) \($0): \(reason) (\(errno))" } ?? "\(call): \(reason) (\(errno))"
    }

    /// Whether a file, folder or process was simply not there.
    public var isNotFound: Bool { errno == ENOENT }

    /// Whether the disk or the quota is full.
    public var isDiskFull: Bool { errno == ENOSPC || errno == EDQUOT }

    /// Whether the file system cannot do this at all.
    public var isNotSupported: Bool { errno == EOPNOTSUPP || errno == ENOSYS }

    /// The kernel's sentence for an error number, in English whatever the locale.
    public static func text(of errno: Int32) -> String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            unsafe buffer.initialize(repeating: 0)
            guard let start = buffer.baseAddress else { return "error \(errno)" }
            unsafe komainu_error_text(errno, start, buffer.count)
            return unsafe String(cString: start)
        }
    }
}

/// Runs one call that answers 0 or more, or -1 with errno; repeats it while a signal interrupted it.
@inline(__always)
func checked<Number: SignedInteger>(
    _ call: StaticString, _ path: @autoclosure () -> String? = nil, _ body: () -> Number
) throws(SystemFailure) -> Number {
    while true {
        let result = body()
        if result >= 0 { return result }
        let number = errno
        guard number == EINTR else { throw SystemFailure(call: call, errno: number, path: path()) }
    }
}
