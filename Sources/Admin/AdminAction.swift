import Identity

/// Everything that can be asked of the admin API.
public enum AdminAction: String, CaseIterable, Sendable {
    case listEndpoints, createEndpoint, readEndpoint, changeEndpoint, deleteEndpoint, rotateEndpoint
    case listAPITokens, createAPIToken, readAPIToken, revokeAPIToken
    case listAdminTokens, createAdminToken, readAdminToken, revokeAdminToken
    case listTools, approveTool
    case explain
    case describe

    /// The least that its caller must be.
    var role: AdminRole {
        switch self {
        case .listEndpoints, .readEndpoint, .listAPITokens, .readAPIToken, .listAdminTokens, .readAdminToken,
            .listTools,
            .explain, .describe:
            .reviewer
        case .createEndpoint, .changeEndpoint, .deleteEndpoint, .rotateEndpoint, .createAPIToken, .revokeAPIToken:
            .operator
        case .createAdminToken, .revokeAdminToken, .approveTool: .admin
        }
    }

    /// Whether its answer comes in pages.
    var isList: Bool {
        switch self {
        case .listEndpoints, .listAPITokens, .listAdminTokens, .listTools: true
        default: false
        }
    }

    /// Whether it makes something, which an `Idempotency-Key` can protect from being made twice.
    var makes: Bool {
        switch self {
        case .createEndpoint, .createAPIToken, .createAdminToken: true
        default: false
        }
    }

    /// What its body and its answer are, by their names among the schemas of ``OpenAPI``; nothing for none.
    var form: (request: String?, response: String?) {
        switch self {
        case .listEndpoints: (nil, "EndpointPage")
        case .createEndpoint: ("EndpointDraft", "IssuedEndpoint")
        case .readEndpoint: (nil, "Endpoint")
        case .changeEndpoint: ("EndpointChange", "Endpoint")
        case .deleteEndpoint: (nil, nil)
        case .rotateEndpoint: (nil, "IssuedEndpoint")
        case .listAPITokens: (nil, "APITokenPage")
        case .createAPIToken: ("APITokenDraft", "IssuedAPIToken")
        case .readAPIToken, .revokeAPIToken: (nil, "APIToken")
        case .listAdminTokens: (nil, "AdminTokenPage")
        case .createAdminToken: ("AdminTokenDraft", "IssuedAdminToken")
        case .readAdminToken, .revokeAdminToken: (nil, "AdminToken")
        case .listTools: (nil, "ToolPage")
        case .approveTool: ("Approval", "Tool")
        case .explain: ("Question", "Explanation")
        case .describe: (nil, "Anything")
        }
    }

    /// The status of its success.
    var status: Int {
        if makes { return 201 }
        return self == .deleteEndpoint ? 204 : 200
    }

    /// One line for people.
    var summary: String {
        switch self {
        case .listEndpoints: "List the endpoints of an upstream, oldest first"
        case .createEndpoint: "Make an endpoint; its token and URL are in this answer and in no other"
        case .readEndpoint: "Read one endpoint"
        case .changeEndpoint: "Change an endpoint; what is not mentioned stays, also within `config`, and null clears"
        case .deleteEndpoint: "Delete an endpoint; its URL is dead and its streams end at once"
        case .rotateEndpoint: "Give an endpoint another token; the old one is dead at once"
        case .listAPITokens: "List the API tokens, oldest first, the revoked ones included"
        case .createAPIToken: "Make an API token; its secret is in this answer and in no other"
        case .readAPIToken: "Read one API token"
        case .revokeAPIToken: "Revoke an API token; its streams end at once, and its record stays"
        case .listAdminTokens: "List the admin tokens, oldest first, the revoked ones included"
        case .createAdminToken: "Make an admin token; its secret is in this answer and in no other"
        case .readAdminToken: "Read one admin token"
        case .revokeAdminToken: "Revoke an admin token; its record stays"
        case .listTools: "List what is known of the upstreams' tools: what they are, and where their definitions stand"
        case .approveTool: "Approve the definition of a tool that waits, by the hash of the one that was looked at"
        case .explain: "Say whether a call would be allowed, and what each rule says about it; nothing is sent"
        case .describe: "This document"
        }
    }
}
