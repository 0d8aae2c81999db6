import Bytes
import Catalog
import Commands
import Configuration
import JSON

/// What is known on this machine about an upstream's tools: its catalogue, and the definitions that the proxy has seen.
/// The vendor isn't asked.
struct KnownTools {
    let upstream: LoadedUpstream
    let pins: Pins
    let requests: ApprovalRequests

    /// Where one tool stands, in a word.
    enum State: String {
        /// Seen and approved.
        case approved
        /// Seen, and its definition waits for a person.
        case waiting
        /// In the catalogue and never seen.
        case unseen
        /// Seen, and nobody said what it is: hidden and denied.
        case unclassified
    }

    static func load(_ configuration: LoadedConfiguration, upstream name: String?) throws(ProgramFailure)
        -> [KnownTools]
    {
        let names = configuration.upstreams.map(\.settings.name)
        if let name, !names.contains(name) {
            throw ProgramFailure(
                "there is no upstream `\(name)`; the configuration has \(names.joined(separator: ", "))", code: .usage)
        }
        var known: [KnownTools] = []
        for upstream in configuration.upstreams where name == nil || upstream.settings.name == name {
            known.append(try KnownTools(upstream, configuration.configuration))
        }
        return known
    }

    private init(_ upstream: LoadedUpstream, _ configuration: Configuration) throws(ProgramFailure) {
        self.upstream = upstream
        requests = ApprovalRequests(folder: configuration.approvalFolder(of: upstream.settings))
        do throws(PinStoreFailure) {
            pins = try PinFile(path: configuration.pinFile(of: upstream.settings)).load()
        } catch {
            throw ProgramFailure("the tools of `\(upstream.settings.name)` can't be told: \(error)")
        }
    }

    /// Every tool that was seen or is in the catalogue.
    var names: [ByteString] {
        Set(upstream.catalog.tools).union(pins.approved.keys).union(pins.pending.keys).sorted()
    }

    func classification(of tool: ByteString) -> Classification? {
        let seen = pins.approved[tool]?.definition ?? pins.pending[tool]?.definition
        return upstream.catalog.classify(tool, annotations: seen?.annotations ?? .none)
    }

    func state(of tool: ByteString) -> State {
        if pins.pending[tool] != nil { return .waiting }
        guard pins.approved[tool] != nil else { return .unseen }
        return classification(of: tool) == nil ? .unclassified : .approved
    }

    /// One tool as JSON: what it is, where it stands, and what a definition that waits would change.
    func write(_ name: ByteString, _ writer: inout JSONWriter) {
        let what = classification(of: name)
        writer.beginObject()
        writer.member("upstream", upstream.settings.name)
        writer.key("tool")
        writer.string(name)
        writer.member("method", what?.method.text)
        writer.member("effect", what?.effect.word)
        writer.member("tags", what?.tags.map(\.text) ?? [])
        writer.member("state", state(of: name).rawValue)
        writer.member("hash", pins.approved[name]?.definition.hash.description)
        writer.member("waiting_hash", pins.pending[name]?.definition.hash.description)
        writer.key("changes")
        WaitingChange.write(WaitingChange(name, pins)?.changes ?? [], &writer)
        writer.endObject()
    }
}
