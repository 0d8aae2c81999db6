public import Bytes
public import System

/// Which definition of each tool is approved, and which new ones wait for a person. A value: whoever changes it saves it.
///
/// Who can write the store behind it can approve definitions; nothing else.
public struct Pins: Sendable, Equatable {
    /// An approved definition.
    public struct Pin: Sendable, Equatable {
        /// Who approved it.
        public enum Approver: Sendable, Hashable {
            /// Nobody: it was the first definition ever seen, and the settings trust that.
            case firstSight
            /// A person or program, by name.
            case person(ByteString)
        }

        /// The approved definition.
        public let definition: ToolDefinition
        /// Who approved it.
        public let approver: Approver
        /// When.
        public let at: WallTime

        /// By hash, approver and time.
        public static func == (left: Pin, right: Pin) -> Bool {
            left.definition.hash == right.definition.hash && left.approver == right.approver && left.at == right.at
        }
    }

    /// A definition that nobody has approved yet.
    public struct Pending: Sendable, Equatable {
        /// The new definition; the latest, when the vendor changed it several times.
        public let definition: ToolDefinition
        /// When this very definition was first seen.
        public let since: WallTime

        /// By hash and time.
        public static func == (left: Pending, right: Pending) -> Bool {
            left.definition.hash == right.definition.hash && left.since == right.since
        }
    }

    /// What became of a definition that the vendor sent.
    public enum Sight: Sendable, Equatable {
        /// It is the approved one.
        case approved
        /// The first of its name: approved just now, which must be saved and recorded.
        case trustedAtFirstSight
        /// It differs from the approved one, or none is approved: hidden and denied until somebody approves it.
        case quarantined
    }

    /// The approved definitions by tool.
    public private(set) var approved: [ByteString: Pin] = [:]
    /// The waiting definitions by tool.
    public private(set) var pending: [ByteString: Pending] = [:]

    /// How many tools are remembered; more are quarantined without being remembered.
    public static let toolLimit = 2_000

    /// Whether a tool that no catalogue names may still be remembered: half of the room is for those that one does.
    var hasRoomForUnclassified: Bool { approved.count + pending.count < Self.toolLimit / 2 }

    /// Nothing approved, nothing waiting.
    public init() {}

    /// Judges a definition that the vendor sent, and remembers it when it is new.
    ///
    /// - Parameter trustsFirstSight: Whether the first definition ever seen of a name is approved without a person.
    public mutating func see(_ definition: ToolDefinition, trustsFirstSight: Bool, at now: WallTime) -> Sight {
        let name = definition.name
        if let pin = approved[name], pin.definition.hash == definition.hash {
            pending[name] = nil
            return .approved
        }
        guard approved[name] != nil || pending[name] != nil || approved.count + pending.count < Self.toolLimit else {
            return .quarantined
        }
        if approved[name] == nil, pending[name] == nil, trustsFirstSight {
            approved[name] = Pin(definition: definition, approver: .firstSight, at: now)
            return .trustedAtFirstSight
        }
        if pending[name]?.definition.hash != definition.hash {
            pending[name] = Pending(definition: definition, since: now)
        }
        return .quarantined
    }

    /// Approves the waiting definition of a tool.
    ///
    /// - Parameter hash: The definition that the person looked at: another one may have arrived since.
    public mutating func approve(
        _ tool: ByteString, _ hash: DefinitionHash, by person: ByteString, at now: WallTime
    ) throws(ApprovalFailure) {
        guard let waiting = pending[tool] else { throw .nothingPending }
        guard waiting.definition.hash == hash else { throw .changedSince }
        approved[tool] = Pin(definition: waiting.definition, approver: .person(person), at: now)
        pending[tool] = nil
    }

    /// What differs between the approved and the waiting definition of a tool, in words; nil when nothing waits.
    public func changes(of tool: ByteString) -> [DefinitionChange]? {
        guard let waiting = pending[tool] else { return nil }
        guard let pin = approved[tool] else { return [DefinitionChange("the tool is new", .widening)] }
        return describeChange(from: pin.definition, to: waiting.definition)
    }

    mutating func restore(_ pin: Pin) {
        approved[pin.definition.name] = pin
    }

    mutating func restore(_ waiting: Pending) {
        pending[waiting.definition.name] = waiting
    }
}

/// Why an approval didn't happen.
public enum ApprovalFailure: Error, Hashable, Sendable {
    /// No definition of that tool waits.
    case nothingPending
    /// The vendor sent yet another definition after the one that was looked at.
    case changedSince
}
