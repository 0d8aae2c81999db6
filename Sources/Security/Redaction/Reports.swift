public import Bytes
import JSON
public import Policy

/// One thing that redaction did, for the record and for the result's `_meta`: never a value.
public struct RedactionFact: Hashable, Sendable {
    /// Where in the message: `structuredContent`, `content`, `_meta`, `error`, `params`, `other`.
    public let place: ByteString
    /// The redaction group; empty when a value was replaced because it had been removed elsewhere, or because the tool that
    /// it names is hidden.
    public let rule: ByteString
    /// How many values.
    public let count: Int
    /// What became of them.
    public let way: Way
    /// The field path as the policy wrote it, or what a detector looks for: `detect email`. Nil for values that had been
    /// removed elsewhere.
    public let path: ByteString?
}

/// A result that may not leave, and why. It was executed upstream all the same.
public struct Withheld: Error, Hashable, Sendable {
    /// The reasons.
    public enum Reason: Hashable, Sendable, CaseIterable {
        /// A redaction group says so.
        case rule
        /// More records than the rule allows.
        case rows
        /// More bytes than the rule allows.
        case bytes
        /// A removed value stands where nothing can be changed.
        case residue
        /// More removed values than are kept track of.
        case tooMuch
    }

    /// Why.
    public let reason: Reason
    /// The redaction group; empty when none was the reason.
    public let rule: ByteString

    init(_ reason: Reason, rule: ByteString = "") {
        self.reason = reason
        self.rule = rule
    }

    /// The stable code, such as `result_rows`.
    public var code: StaticString {
        switch reason {
        case .rule: "result_withheld"
        case .rows: "result_rows"
        case .bytes: "result_bytes"
        case .residue: "result_residue"
        case .tooMuch: "result_too_much"
        }
    }

    /// One sentence for the person or model that asked.
    public var explanation: String {
        switch reason {
        case .rule: "the policy withholds results that hold this data"
        case .rows: "the result has more records than the policy allows; ask for fewer"
        case .bytes: "the result is larger than the policy allows; ask for less"
        case .residue, .tooMuch: "the result can't be redacted safely"
        }
    }
}

extension RedactionFact {
    /// The member of `_meta` under which a result tells what was redacted.
    public static let metaName: ByteString = "io.komainu/redaction"

    /// The fact as JSON, `{"place":…,"rule":…,"path":…,"way":…,"count":3}`, up to the count itself.
    var encodedUpToCount: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("place")
        writer.string(place)
        if !rule.isEmpty {
            writer.key("rule")
            writer.string(rule)
        }
        if let path {
            writer.key("path")
            writer.string(path)
        }
        writer.key("way")
        writer.string(way.rawValue)
        writer.key("count")
        return writer.bytes
    }
}
