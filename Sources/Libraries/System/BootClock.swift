internal import CLinux
internal import Glibc

/// The clock that counts from the machine's start, sleep included, and that nobody can set (CLOCK_BOOTTIME).
public enum BootClock {
    /// Nanoseconds since the machine started.
    public static var nanoseconds: Int64 { reading(of: CLOCK_BOOTTIME) }

    /// The kernel's name for this run of the machine; nil where /proc is hidden.
    public static let bootIdentifier: String? = {
        guard let bytes = try? Files.read("/proc/sys/kernel/random/boot_id", limit: 1_024) else { return nil }
        return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
    }()
}

extension WallTime {
    /// How far the wall clock may be from true time, as the kernel keeps it; nil when nothing disciplines the clock.
    public static var maximumErrorMicroseconds: Int? {
        let error = komainu_clock_error()
        return error < 0 ? nil : Int(error)
    }
}
