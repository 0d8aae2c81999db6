/// What a call of a tool does to the world, from harmless to irreversible.
public enum Effect: Int, Comparable, Hashable, Sendable, CaseIterable {
    /// Nothing is changed.
    case read
    /// Something is changed or made, in a way that can be put right.
    case write
    /// Something is lost, a secret is made or a protection removed.
    case destructive

    /// The word in catalogues and messages.
    public var word: String {
        switch self {
        case .read: "read"
        case .write: "write"
        case .destructive: "destructive"
        }
    }

    /// The less dangerous first.
    public static func < (left: Effect, right: Effect) -> Bool { left.rawValue < right.rawValue }
}
