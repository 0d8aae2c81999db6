import Glibc

/// The data that tests share and the repository does not hold: corpora of attacks, samples, schemas.
///
/// Whoever has only the repository can still run every test; those that need this data then say so and pass.
public enum Shared {
    /// The folder: `KOMAINU_SHARED` when it is set, else `shared` beside the repository; nil when it is not there.
    public static let folder: String? = {
        let named = environment("KOMAINU_SHARED")
        let beside = repository.map { $0 + "/../shared" }
        return [named, beside].compactMap { $0 }.first { unsafe access($0, R_OK) == 0 }
    }()

    /// The folder with Package.swift, found upwards from this file.
    public static let repository: String? = {
        var folder = #filePath
        while let slash = folder.lastIndex(of: "/") {
            folder = String(folder[..<slash])
            if unsafe access(folder + "/Package.swift", R_OK) == 0 { return folder }
        }
        return nil
    }()

    /// The bytes of a file in the folder, such as `corpora/json/interop.json`; nil when it is not there.
    public static func file(_ path: String) -> [UInt8]? {
        folder.flatMap { contents(of: $0 + "/" + path) }
    }

    /// The names in a folder, sorted; nil when it is not there.
    public static func names(in path: String) -> [String]? {
        guard let folder, let directory = unsafe opendir(folder + "/" + path) else { return nil }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Says that a test did not run, and why. The test then passes.
    public static func skipped(_ what: String) {
        print("skipped: \(what) (no shared data folder; set KOMAINU_SHARED)")
    }

    /// The bytes of any file; nil when it cannot be read.
    public static func contents(of path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { return nil }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    private static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
