/// YAML as a configuration language: the part of it that means one thing only.
///
/// libyaml finds the events; this room keeps where each value stood and refuses what makes a file say something else
/// than it seems to: anchors and aliases, tags, directives, several documents, duplicate keys, keys that aren't text.
/// Words are never guessed into types: a scalar stays text until `Reading` is asked for a number or a boolean.
public enum YAML {
    /// Reads the one document of a file.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8, without a byte order mark.
    ///   - file: The name that problems are reported under, usually the path as the operator wrote it.
    /// - Throws: The first `Problem` of syntax; problems of meaning are `Reading`'s and come all at once.
    public static func parse(_ bytes: [UInt8], file: String, limits: YAMLLimits = .standard) throws(Problem) -> Node {
        guard bytes.count <= limits.bytes else {
            throw Problem(
                file: file, line: 1, column: 1,
                message: "the file has \(bytes.count) bytes; at most \(limits.bytes) are read")
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) || bytes.starts(with: [0xFF, 0xFE])
            || bytes.starts(with: [0xFE, 0xFF])
        {
            throw Problem(
                file: file, line: 1, column: 1, message: "the file begins with a byte order mark",
                hint: "save it as UTF-8 without one")
        }
        var builder = TreeBuilder(file: file, limits: limits)
        return try builder.build(EventSource(bytes))
    }
}

/// What one file may cost. The defaults are far above any file a person writes and far below what hurts.
public struct YAMLLimits: Sendable {
    /// The size of the file. Default 1 MiB.
    public var bytes = 1 << 20
    /// How deep sequences and mappings may nest. Default 32.
    public var depth = 32
    /// How many scalars, sequences and mappings there may be. Default 100,000.
    public var nodes = 100_000

    /// The defaults.
    public static let standard = YAMLLimits()

    /// The defaults, to be adapted.
    public init() {}
}
