/// A regular expression of an operator, matched against bytes of a stranger, at a bounded cost.
///
/// PCRE2's interpreter does the work (no JIT: its own stack and executable memory are not wanted here). Every match has
/// limits on steps, depth and memory; exceeding one is a `MatchFailure`, never a no and never a yes: the caller turns
/// it into a denial. A compiled pattern is immutable and may be used from any thread.
///
/// Patterns are UTF-8 and match UTF-8: `.` is one code point and includes line breaks; `$` is the very end. `\d`, `\w`
/// and `\s` are ASCII.
public struct Pattern: Sendable {
    /// How much of the subject must match.
    public enum Extent: Sendable {
        /// All of it.
        case whole
        /// Any part of it.
        case anywhere
    }

    /// The pattern as written.
    public let text: String
    private let limits: PatternLimits
    private let compiled: CompiledPattern

    /// Compiles a pattern once, so that its mistakes are found when it is read.
    public init(_ text: String, matching extent: Extent, limits: PatternLimits = .standard) throws(PatternFailure) {
        guard text.utf8.count <= limits.patternBytes else { throw .tooLong(limit: limits.patternBytes) }
        let alone = try CompiledPattern(text, limits: limits)
        self.text = text
        self.limits = limits
        switch extent {
        case .whole: compiled = alone
        // PCRE2 counts steps anew at each starting place; a lazy prefix makes the whole search one count. The pattern
        // was compiled alone first, so it can't close this group itself.
        case .anywhere: compiled = try CompiledPattern(".*?(?:\(text)).*+", limits: limits)
        }
    }

    /// Whether the subject matches.
    ///
    /// - Parameter subject: Valid UTF-8, at most `PatternLimits.subjectBytes`.
    /// - Throws: When that can't be told within the limits.
    public func matches(_ subject: Span<UInt8>) throws(MatchFailure) -> Bool {
        guard subject.count <= limits.subjectBytes else { throw .subjectTooLong(limit: limits.subjectBytes) }
        return try compiled.matches(subject)
    }
}

/// What one pattern and one match may cost.
public struct PatternLimits: Sendable {
    /// The length of the pattern. Default 4 KiB.
    public var patternBytes = 4_096
    /// The length of the subject. Default 4 KiB; with `steps` it bounds the time of a match to about a tenth of a second.
    public var subjectBytes = 4_096
    /// How many steps PCRE2 may take back and forth. Default 20,000.
    public var steps: UInt32 = 20_000
    /// How many steps may be open at once. Default 10,000.
    public var depth: UInt32 = 10_000
    /// Memory for them, in KiB. Default 4 MiB.
    public var memory: UInt32 = 4_096

    /// The defaults.
    public static let standard = PatternLimits()

    /// The defaults, to be adapted.
    public init() {}
}

/// Why a pattern can't be used.
public enum PatternFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// PCRE2's complaint, and the byte it is about, counted from 0.
    case syntax(message: String, offset: Int)
    /// Longer than the limit, in bytes.
    case tooLong(limit: Int)

    /// The complaint as a part of a sentence.
    public var description: String {
        switch self {
        case .syntax(let message, let offset): "\(message) (at byte \(offset))"
        case .tooLong(let limit): "the pattern is longer than \(limit) bytes"
        }
    }
}

/// Why it can't be told whether a subject matches.
public enum MatchFailure: Error, Hashable, Sendable {
    /// More bytes than the limit.
    case subjectTooLong(limit: Int)
    /// Steps, depth or memory ran out.
    case tooMuchWork
    /// The subject isn't UTF-8.
    case notUTF8
    /// PCRE2 failed with this code.
    case failed(code: Int)
}
