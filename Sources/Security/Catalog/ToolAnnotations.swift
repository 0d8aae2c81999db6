/// The vendor's claims about a tool (MCP ToolAnnotations). Absent stays absent: MCP's defaults are for clients that
/// trust the server.
public struct ToolAnnotations: Hashable, Sendable {
    /// `readOnlyHint`, when given.
    public let readOnly: Bool?
    /// `destructiveHint`, when given.
    public let destructive: Bool?

    /// The claims as given.
    public init(readOnly: Bool?, destructive: Bool?) {
        self.readOnly = readOnly
        self.destructive = destructive
    }

    /// No claim.
    public static let none = ToolAnnotations(readOnly: nil, destructive: nil)

    /// The danger that the vendor admits; a claim to be harmless is no evidence. Both hints at once contradict each
    /// other, and the worse one counts.
    var admitted: Evidence? {
        if destructive == true { return evidence(.destructive, "destructiveHint: true") }
        if readOnly == false { return evidence(.write, "readOnlyHint: false") }
        return nil
    }

    private func evidence(_ effect: Effect, _ place: String) -> Evidence {
        Evidence(source: .annotation, method: nil, effect: effect, tags: [], place: place)
    }
}
