import Bytes
import Identity
import System

/// API tokens as commands tell them.
enum TokenReport {
    /// Where a token stands, in a word.
    static func state(_ token: APIToken, now: WallTime) -> String {
        state(revokedAt: token.revokedAt, expiresAt: token.expiresAt, now: now)
    }

    /// The same from the moments that decide it.
    static func state(revokedAt: WallTime?, expiresAt: WallTime?, now: WallTime) -> String {
        if revokedAt != nil { return "revoked" }
        if let expiresAt, expiresAt <= now { return "ended" }
        return "valid"
    }

    /// What it is bound to, on one line.
    static func bindings(_ token: APIToken) -> String {
        (token.upstreams.sorted().map { "upstream \($0.text)" } + token.endpoints.map { "endpoint \($0)" }.sorted())
            .joined(separator: ", ")
    }
}
