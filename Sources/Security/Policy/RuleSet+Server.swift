public import Bytes
public import Identity
public import JSON
public import MCP

/// What a server may say and ask unasked (mcp-protocol sections 2.3 and 2.4).
extension RuleSet {
    /// The groups by which a request or a notice of the server's is redacted; nil when it must not be passed on.
    ///
    /// - Parameter belongsToCall: whether it comes with a call, whose own groups redact it too. What belongs to none could come
    ///   from any, so all that could redact the caller's calls redact it.
    public func redactions(
        forServer message: ServerMessage, to principal: Principal, belongsToCall: Bool
    ) -> [RedactionGroup]? {
        let method: MCP.Method
        switch message.shape {
        case .request(_, let asked): method = asked
        case .notification(let told): method = told
        case .result, .error: return nil
        }
        guard let groups = redactions(forServer: method, to: principal) else { return nil }
        if case .request = message.shape,
            !opens(request: method, params: message.params, of: message.document, for: principal)
        {
            return nil
        }
        guard !belongsToCall else { return groups }
        return groups + redactions(ofCallsBy: principal).filter { other in !groups.contains { $0.name == other.name } }
    }

    /// Every group that could redact a caller's calls.
    private func redactions(ofCallsBy principal: Principal) -> [RedactionGroup] {
        redactions(applicable(to: principal).flatMap { rules[$0].grant?.redactions ?? [] })
    }

    /// Whether policy lets a server ask this: in a request of its own, or within a result.
    public func opens(
        request method: MCP.Method, params: JSONDocument.Node?, of document: JSONDocument, for principal: Principal
    ) -> Bool {
        guard redactions(forServer: method, to: principal) != nil else { return false }
        let parameter = { (name: String) in params.flatMap { document.member(name, of: $0) } }
        // A task at the client would be one that nobody here knows of.
        if parameter("task") != nil { return false }
        switch method {
        case .elicit: return opensElicitation(parameter, document, for: principal)
        case .createMessage: return opensSampling(parameter, document, for: principal)
        default: return true
        }
    }

    private typealias Parameters = (String) -> JSONDocument.Node?

    // MARK: Elicitation

    /// A form, or a URL on an allowed host.
    private func opensElicitation(
        _ parameter: Parameters, _ document: JSONDocument, for principal: Principal
    ) -> Bool {
        guard let mode = parameter("mode") else { return parameter("url") == nil }
        if document.isString(mode, equalTo: "form") { return parameter("url") == nil }
        guard document.isString(mode, equalTo: "url"), let url = parameter("url").flatMap(document.string) else {
            return false
        }
        return opensElicitation(url: url, for: principal)
    }

    /// Whether a caller's user may be sent to a URL.
    public func opensElicitation(url: ByteString, for principal: Principal) -> Bool {
        guard let authority = authority(ofSecure: url) else { return false }
        return protocolRules.opening(.elicitation, for: principal)?.targets.contains(authority) ?? false
    }

    // MARK: Sampling

    /// Within the limits of tools, context and tokens.
    private func opensSampling(_ parameter: Parameters, _ document: JSONDocument, for principal: Principal) -> Bool {
        guard let opening = protocolRules.opening(.sampling, for: principal) else { return false }
        if !opening.sampling.tools, parameter("tools") != nil || parameter("toolChoice") != nil { return false }
        if let asked = parameter("includeContext") {
            guard let word = document.string(asked), let context = SamplingLimits.Context(rawValue: word.text),
                context <= opening.sampling.context
            else { return false }
        }
        if let most = opening.sampling.tokens {
            guard let asked = parameter("maxTokens").flatMap(document.numberText).flatMap({ Int($0.text) }),
                asked <= most
            else { return false }
        }
        return true
    }
}

/// What a server may ask of the client's model.
struct SamplingLimits: Hashable, Sendable {
    /// Whose context the client may add, from nothing to everything (2025-11-25, `CreateMessageRequest.includeContext`).
    enum Context: String, CaseIterable, Comparable, Sendable {
        case none, thisServer, allServers

        static func < (left: Context, right: Context) -> Bool {
            allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
        }
    }

    /// Whether the model may be given the server's own tools.
    var tools = false
    var context = Context.none
    /// The most of `maxTokens`; nil for any.
    var tokens: Int?
}

/// Host and port of an `https` URL that every reader takes apart in the same way, in lower case; nil for any other.
private func authority(ofSecure url: ByteString) -> ByteString? {
    let scheme = Array("https://".utf8)
    guard url.count <= 4_096, url.bytes.starts(with: scheme),
        url.bytes.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\\") })
    else { return nil }
    let rest = url.bytes.dropFirst(scheme.count)
    let authority = rest.prefix { !"/?#".utf8.contains($0) }
    return isHost(authority) ? ByteString(Array(authority)).asciiLowercased : nil
}

/// A name or address of letters, digits, dots and hyphens, perhaps a port: no user, no escapes, nothing that looks like another.
func isHost(_ authority: some Collection<UInt8>) -> Bool {
    let parts = authority.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { return false }
    if parts.count == 2, parts[1].isEmpty || !parts[1].allSatisfy({ (0x30...0x39).contains($0) }) { return false }
    return name.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "."), UInt8(ascii: "-"): true
        default: false
        }
    }
}
