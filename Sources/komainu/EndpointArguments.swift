import Bytes
import Catalog
import Commands
import Configuration
import Identity
import Policy
import System

/// The options that make and change endpoints.
enum EndpointArguments {
    static let methods = Option.value(
        "methods", "LIST", "methods, or the words read, write, destructive, custom; parted by commas", repeats: true)
    static let tags = Option.value(
        "tags", "LIST", "tags of which a tool must have one; parted by commas", repeats: true)
    static let tools = Option.value(
        "tools", "LIST", "names of tools, `*` for any rest; parted by commas", repeats: true)
    static let policy = Option.value("policy", "NAME", "the policy in place of the upstream's own")
    static let ttl = Option.value("ttl", "DURATION", "how long it lives, such as 12h or 90d")
    static let expiresAt = Option.value("expires-at", "TIME", "when it ends, such as 2027-01-31T12:00:00Z")
    static let by = Option.value("by", "NAME", "who does this, for the record; the login name when left out")
}

extension Arguments {
    /// A list of names.
    mutating func names(_ option: String) -> [ByteString]? {
        list(option)?.map { ByteString($0) }
    }

    /// The end of something, from `--ttl` or `--expires-at`; at least 60 s ahead.
    mutating func end(now: WallTime) -> WallTime? {
        if value("ttl") != nil, value("expires-at") != nil { mistake("`--ttl` and `--expires-at` exclude each other") }
        let span = duration("ttl")
        let end = span.map { now + $0 } ?? moment("expires-at")
        if let end, end < now + .seconds(60) { mistake("the end must be at least 60 s ahead") }
        return end
    }

    private mutating func moment(_ option: String) -> WallTime? {
        guard let text = value(option) else { return nil }
        if let time = WallTime(rfc3339: text) { return time }
        mistake("`--\(option) \(text)` isn't a time such as 2027-01-31T12:00:00Z")
        return nil
    }

    /// Who does this.
    var person: ByteString { value("by").map { ByteString($0) } ?? OpenState.person }
}

/// What must be true between an endpoint and its upstream's catalogue and policies, which the records don't know.
struct EndpointCheck {
    let upstream: LoadedUpstream

    /// Refuses words that nobody knows, and a selection that leaves no tool (as Truto does, reference/torii.md 1.1).
    func check(_ config: EndpointConfig) throws(ChangeRefusal) {
        let selection: Selection
        do throws(SelectionFailure) { selection = try config.selection() } catch { throw ChangeRefusal(error) }
        let complaints = upstream.catalog.complaints(about: selection)
        if let first = complaints.first {
            let text = complaints.map { ChangeRefusal($0).text }.joined(separator: "; ")
            throw ChangeRefusal(.invalid, field: ChangeRefusal(first).field, text)
        }
        if let policy = config.policy, upstream.policy(policy) == nil {
            let known = upstream.policies.map(\.name.text).joined(separator: ", ")
            throw ChangeRefusal(
                .invalid, field: "config.policy",
                "`\(upstream.settings.name)` has no policy `\(policy.text)`; it has \(known)")
        }
        if upstream.catalog.tools(in: selection).isEmpty {
            throw ChangeRefusal(
                .invalid, field: "config",
                "methods, tags and tools together leave no tool of `\(upstream.settings.name)`")
        }
    }
}
