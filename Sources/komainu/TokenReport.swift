import Bytes
import Identity
import System

/// API tokens as commands tell them.
enum TokenReport {
    /// Where a token stands, in a word.
    static func state(_ token: APIToken, now: WallTime) -> String {
        if token.revokedAt != nil { return "revoked" }
        if let end = token.expiresAt, end <= now { return "ended" }
        return "valid"
    }

    /// What it is bound to, on one line.
    static func bindings(_ token: APIToken) -> String {
        (token.upstreams.sorted().map { "upstream \($0.text)" } + token.endpoints.map { "endpoint \($0)" }.sorted())
            .joined(separator: ", ")
    }
}
