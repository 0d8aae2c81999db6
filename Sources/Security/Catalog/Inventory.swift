public import Bytes
public import System

/// Where a tool stands right now, for one upstream.
public enum Standing: Sendable, Hashable {
    /// Neither the vendor nor the catalogue knows it.
    case unknown
    /// The vendor lists it and nobody classified it.
    case unclassified
    /// The vendor lists it and its definition isn't approved, or can't be taken.
    case quarantined
    /// The catalogue knows it and the vendor doesn't list it (now, or not at all).
    case unlisted(Classification)
    /// Classified, listed and approved.
    case approved(Classification)
}

/// What the policy asks about tools.
public protocol ToolDirectory: Sendable {
    /// Where a tool stands.
    func standing(of tool: ByteString) -> Standing

    /// Every tool that the vendor or the catalogue names, in byte order.
    var names: [ByteString] { get }

    /// The approved definition; nil unless the tool stands `approved`.
    func definition(of tool: ByteString) -> ToolDefinition?
}

/// The tools of one upstream as of its last complete list: catalogue, definitions and pins joined. Immutable; a new list
/// makes a new one, and calls already judged keep theirs.
public struct Inventory: ToolDirectory {
    /// Every tool that the vendor or the catalogue names, in byte order.
    public let names: [ByteString]
    private let standings: [ByteString: Standing]
    private let definitions: [ByteString: ToolDefinition]

    /// Before the vendor has listed anything: what the catalogue names, unlisted.
    public init(_ catalog: Catalog) {
        self.init(catalog, standings: [:], definitions: [:])
    }

    /// Joins a complete list (all its pages) with the catalogue and the pins.
    ///
    /// - Parameters:
    ///   - list: The definitions in the vendor's order. Of a name that comes twice every one is quarantined: which of
    ///     them a client would call differs by client.
    ///   - pins: Changed by what is new in the list; when `sightings` tells of anything but approved ones, save it
    ///     before this inventory is used. A crash between the two repeats the sightings.
    ///   - trustsFirstSight: See `Pins.see`.
    ///   - refused: Names whose definition can't be taken, or stood twice on a page: quarantined, whatever is pinned.
    ///   - sightings: What became of each definition, in the order of the list, for the record.
    public init(
        _ catalog: Catalog, list: [ToolDefinition], refused: Set<ByteString> = [], pins: inout Pins,
        trustsFirstSight: Bool, at now: WallTime, sightings: inout [Sighting]
    ) {
        var standings: [ByteString: Standing] = [:]
        var definitions: [ByteString: ToolDefinition] = [:]
        let counts = Dictionary(list.map { ($0.name, 1) }, uniquingKeysWith: +)
        for definition in list {
            let name = definition.name
            if refused.contains(name) { continue }
            let isAmbiguous = counts[name] != 1
            let classification = catalog.classify(name, annotations: definition.annotations)
            // Tools that nobody classified are hidden anyway; they may not use up the room of those that are.
            let isRemembered = !isAmbiguous && (classification != nil || pins.hasRoomForUnclassified)
            let sight =
                isRemembered ? pins.see(definition, trustsFirstSight: trustsFirstSight, at: now) : .quarantined
            sightings.append(Sighting(tool: name, hash: definition.hash, sight: sight, isAmbiguous: isAmbiguous))
            if sight == .quarantined {
                standings[name] = .quarantined
            } else if let classification {
                standings[name] = .approved(classification)
                definitions[name] = definition
            } else {
                standings[name] = .unclassified
            }
        }
        for name in refused { standings[name] = .quarantined }
        self.init(catalog, standings: standings, definitions: definitions)
    }

    private init(
        _ catalog: Catalog, standings: [ByteString: Standing], definitions: [ByteString: ToolDefinition]
    ) {
        var standings = standings
        for tool in catalog.tools where standings[tool] == nil {
            standings[tool] = catalog.classify(tool).map { .unlisted($0) }
        }
        self.standings = standings
        self.definitions = definitions
        names = standings.keys.sorted()
    }

    /// Where a tool stands; by exact bytes.
    public func standing(of tool: ByteString) -> Standing { standings[tool] ?? .unknown }

    /// The approved definition; nil unless the tool stands `approved`.
    public func definition(of tool: ByteString) -> ToolDefinition? { definitions[tool] }
}

/// What became of one definition in a list.
public struct Sighting: Sendable, Equatable {
    /// The tool.
    public let tool: ByteString
    /// The definition's hash.
    public let hash: DefinitionHash
    /// What became of it.
    public let sight: Pins.Sight
    /// Whether its name came more than once.
    public let isAmbiguous: Bool
}
