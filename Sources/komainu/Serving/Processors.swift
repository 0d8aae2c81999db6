import System

/// How much of the machine is ours.
enum Processors {
    /// Processors that this process may use, within what a container grants; at least 1.
    static var usable: Int {
        max(1, min(allowed ?? 1, quota ?? .max))
    }

    /// `Cpus_allowed_list: 0-3,8` (proc(5)).
    private static var allowed: Int? {
        guard
            let line = text("/proc/self/status")?.split(separator: "\n").first(where: {
                $0.hasPrefix("Cpus_allowed_list:")
            })
        else { return nil }
        let ranges = line.drop { $0 != ":" }.dropFirst().filter { $0 != "\t" && $0 != " " }.split(separator: ",")
        return ranges.reduce(0) { count, range in
            let ends = range.split(separator: "-").compactMap { Int($0) }
            return count + (ends.count == 2 ? max(0, ends[1] - ends[0]) + 1 : 1)
        }
    }

    /// `200000 100000`: so many microseconds of processor time in each period (cgroup v2, cpu.max). Rounded up: a loop more
    /// than fits costs less than a processor left idle.
    private static var quota: Int? {
        let numbers = text("/sys/fs/cgroup/cpu.max")?.split { $0 == " " || $0 == "\n" }.map { Int($0) } ?? []
        guard numbers.count == 2, let granted = numbers[0], let period = numbers[1], period > 0 else { return nil }
        return (granted + period - 1) / period
    }

    private static func text(_ path: String) -> String? {
        guard let bytes = try? Files.read(path, limit: 1 << 16) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
