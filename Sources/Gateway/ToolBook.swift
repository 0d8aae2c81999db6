public import Bytes
public import Catalog
import JSON
import MCP
public import Reactor
import Synchronization
import System

/// What is known of one server's tools: the operator's catalogue, the definitions the vendor listed last, and which of them are
/// approved. Every page of `tools/list` that passes is entered; a call is judged by the book whatever was listed to whom.
///
/// The gateway alone writes the pins. A definition that is new or different is saved before the page that brought it is answered;
/// a crash in between repeats the sighting.
public final class ToolBook: Sendable {
    private struct State {
        var pins: Pins
        var listed: [ByteString: ToolDefinition]
        var inventory: Inventory
        /// Counts inventories.
        var revision = 0
        var listedAt: MonotonicTime?
        /// Whether all pages were entered once: before that nobody can have seen a list that changes now.
        var wasListed = false
        /// Names whose last definition could not be taken, or stood twice on a page.
        var refused: Set<ByteString> = []
        var version = 0
        var savedVersion = 0
    }
    private let catalog: Catalog
    private let store: any PinStore
    private let trustsFirstSight: Bool
    private let threads: ThreadPool
    private let state: Mutex<State>
    /// Told of every other inventory, on whatever thread it comes.
    let news = News()
    /// Held while the store is written: whoever waits for it finds the newest saved.
    private let saving = Mutex(())

    /// Opens the book with the pins as they were saved. What waited for approval still waits, before the vendor has listed
    /// anything.
    ///
    /// - Parameter threads: where saving blocks.
    public init(
        catalog: Catalog, store: any PinStore, trustsFirstSight: Bool, threads: ThreadPool
    ) throws(PinStoreFailure) {
        self.catalog = catalog
        self.store = store
        self.trustsFirstSight = trustsFirstSight
        self.threads = threads
        let pins = try store.load()
        var listed: [ByteString: ToolDefinition] = [:]
        for (name, pin) in pins.approved { listed[name] = pin.definition }
        for (name, waiting) in pins.pending { listed[name] = waiting.definition }
        state = Mutex(State(pins: pins, listed: listed, inventory: Inventory(catalog)))
        state.withLock { state in
            _ = rebuild(&state, at: WallTime.now)
        }
    }

    /// What policy is asked with. Immutable: a call that is being judged keeps the one it began with.
    public var inventory: Inventory { state.withLock { $0.inventory } }

    /// Counts up whenever there is another inventory: as long as it stays the same, a page that was entered brings nothing new.
    var revision: Int { state.withLock { $0.revision } }

    /// The pins, for people who approve.
    public var pins: Pins { state.withLock { $0.pins } }

    /// Whether the vendor has listed its tools since the book was opened; until then the pins are all that is known.
    var isListed: Bool {
        guard let listedAt = state.withLock({ $0.listedAt }) else { return false }
        return MonotonicTime.now - listedAt < ToolBook.freshness
    }

    /// After this long the tools are read anew before a call: a vendor need not announce its changes.
    private static let freshness = Duration.seconds(300)

    /// Names that are remembered beside those of the catalogue.
    private static let nameLimit = 5_000

    /// All pages have been entered: what stood on none of them is not the vendor's any more.
    func hasListed(exactly names: Set<ByteString>) {
        let isNews = state.withLock { state in
            let wasListed = state.wasListed
            state.listedAt = MonotonicTime.now
            state.wasListed = true
            let gone = state.listed.keys.filter { !names.contains($0) }
            guard !gone.isEmpty || !state.refused.isSubset(of: names) else { return false }
            for name in gone { state.listed[name] = nil }
            state.refused.formIntersection(names)
            _ = rebuild(&state, at: WallTime.now)
            return wasListed
        }
        if isNews { news.tell() }
    }

    /// The vendor says that its tools changed: they are read anew before the next call.
    func isOutdated() { state.withLock { $0.listedAt = nil } }

    /// Enters one page of the vendor's list. A name whose definition cannot be taken, or that stands twice, is hidden and denied
    /// from now on, whatever was approved before.
    ///
    /// - Returns: what was new or had changed.
    func enter(_ page: JSONDocument.Node, of document: JSONDocument) async throws(PinStoreFailure) -> [Sighting] {
        let known = state.withLock { $0.listed }
        var changed: [ToolDefinition] = []
        var seen: Set<ByteString> = []
        var refused: Set<ByteString> = []
        document.forEachElement(of: page) { node in
            let name = document.member("name", of: node).flatMap { document.string($0) }
            if let name, !seen.insert(name).inserted { refused.insert(name) }
            // Most pages bring what is known: the same bytes need no hash.
            if let name, let definition = known[name], definition.isWritten(document.encoded(node)) { return }
            if let definition = try? ToolDefinition(node, in: document) {
                changed.append(definition)
            } else if let name {
                refused.insert(name)
            }
        }
        let (sightings, isNews) = state.withLock { state -> ([Sighting], Bool) in
            let before = state.refused
            state.refused.subtract(seen)
            state.refused.formUnion(refused)
            changed.removeAll { definition in
                state.listed[definition.name]?.hash == definition.hash
                    || state.listed.count >= ToolBook.nameLimit && state.listed[definition.name] == nil
                        && catalog.classify(definition.name) == nil
            }
            guard !changed.isEmpty || state.refused != before else { return ([], false) }
            for definition in changed { state.listed[definition.name] = definition }
            let names = Set(changed.map(\.name))
            return (rebuild(&state, at: WallTime.now).filter { names.contains($0.tool) }, state.wasListed)
        }
        try await save()
        if isNews { news.tell() }
        return sightings
    }

    /// A person approves the definition they looked at.
    public func approve(_ tool: ByteString, _ hash: DefinitionHash, by person: ByteString) async throws(BookFailure) {
        let failure: ApprovalFailure? = state.withLock { state in
            do throws(ApprovalFailure) {
                try state.pins.approve(tool, hash, by: person, at: WallTime.now)
            } catch {
                return error
            }
            state.version += 1
            _ = rebuild(&state, at: WallTime.now)
            return nil
        }
        if let failure { throw .approval(failure) }
        do throws(PinStoreFailure) {
            try await save()
        } catch {
            throw .store(error)
        }
        news.tell()
    }

    /// Why an approval did not happen, or did not last.
    public enum BookFailure: Error, Sendable {
        /// It was not what waits.
        case approval(ApprovalFailure)
        /// It could not be saved.
        case store(PinStoreFailure)
    }

    private func rebuild(_ state: inout State, at now: WallTime) -> [Sighting] {
        var sightings: [Sighting] = []
        let before = state.pins
        state.revision += 1
        state.inventory = Inventory(
            catalog, list: state.listed.values.sorted { $0.name < $1.name }, refused: state.refused, pins: &state.pins,
            trustsFirstSight: trustsFirstSight, at: now, sightings: &sightings)
        if state.pins != before { state.version += 1 }
        return sightings
    }

    /// Saves the newest pins, off the loop, one save at a time.
    private func save() async throws(PinStoreFailure) {
        guard state.withLock({ $0.savedVersion < $0.version }) else { return }
        try await threads.run { [self] () throws(PinStoreFailure) in
            try saving.withLock { _ throws(PinStoreFailure) in
                let (pins, version, isSaved) = state.withLock { ($0.pins, $0.version, $0.savedVersion >= $0.version) }
                guard !isSaved else { return }
                try store.save(pins)
                state.withLock { $0.savedVersion = version }
            }
        }
    }
}
