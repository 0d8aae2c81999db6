import Bytes
public import Identity

/// Whom a rule is about: subjects AND groups AND issuers AND endpoints, each a union, each absent for anyone.
public struct Who: Hashable, Sendable {
    let subjects: Set<ByteString>?
    let groups: Set<ByteString>?
    let issuers: Set<ByteString>?
    let endpoints: Set<EndpointID>?

    /// Whoever is recognised at all.
    public static let anyone = Who(subjects: nil, groups: nil, issuers: nil, endpoints: nil)

    /// Whether the rule is about this caller.
    public func includes(_ principal: Principal) -> Bool {
        if let subjects, !subjects.contains(principal.subject) { return false }
        if let groups, groups.isDisjoint(with: principal.groups) { return false }
        if let issuers, !(principal.issuer.map(issuers.contains) ?? false) { return false }
        if let endpoints, !(principal.endpoint.map(endpoints.contains) ?? false) { return false }
        return true
    }

    /// Whether whoever this is about, the other is about too.
    func isWithin(_ other: Who) -> Bool {
        isWithin(subjects, other.subjects) && isWithin(groups, other.groups) && isWithin(issuers, other.issuers)
            && isWithin(endpoints, other.endpoints)
    }

    private func isWithin<Element>(_ mine: Set<Element>?, _ others: Set<Element>?) -> Bool {
        guard let others else { return true }
        return mine.map(others.isSuperset) ?? false
    }
}
