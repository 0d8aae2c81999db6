import Bytes
import Catalog
import YAML

/// One rule, compiled. A class, because every call passes several of them about.
final class Rule: Sendable {
    enum Kind: Sendable {
        case allow(Grant)
        /// `onTrial`: what it would deny is recorded and not denied.
        case deny(onTrial: Bool)
    }

    /// What an allowing rule carries along.
    struct Grant: Sendable {
        /// Whether arguments may be given that neither the definition nor the rule names.
        let allowsAdditional: Bool
        /// Indexes among the policy's redaction groups, in the order of the file.
        let redactions: [Int]
        /// The same groups themselves.
        let groups: [RedactionGroup]
        let limits: ResultLimits
        let calls: Rate?
        let restoresPseudonyms: Bool
    }

    let id: ByteString
    let kind: Kind
    let selection: Selection
    let who: Who
    let arguments: ArgumentTree
    /// Where the rule stands, for messages.
    let node: Node

    init(
        id: ByteString, kind: Kind, selection: Selection, who: Who, arguments: ArgumentTree, node: Node
    ) {
        self.id = id
        self.kind = kind
        self.selection = selection
        self.who = who
        self.arguments = arguments
        self.node = node
    }

    var isAllowing: Bool {
        if case .allow = kind { return true }
        return false
    }

    /// Whether it denies, now and not on trial.
    var isDenying: Bool {
        if case .deny(onTrial: false) = kind { return true }
        return false
    }

    var grant: Grant? {
        if case .allow(let grant) = kind { return grant }
        return nil
    }
}

/// How large a result may be. The Redaction room applies it.
public struct ResultLimits: Hashable, Sendable {
    /// How many records; nil for no limit.
    public let rows: Int?
    /// How many bytes of the encoded result; nil for no limit.
    public let bytes: Int?

    /// No limit but those of the wire.
    public static let none = ResultLimits(rows: nil, bytes: nil)

    /// The stricter of both.
    func and(_ other: ResultLimits) -> ResultLimits {
        ResultLimits(rows: smaller(rows, other.rows), bytes: smaller(bytes, other.bytes))
    }

    private func smaller(_ left: Int?, _ right: Int?) -> Int? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }
}
