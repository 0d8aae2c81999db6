import Bytes
import JSON
public import System

/// Keeps the pins of one upstream across restarts.
public protocol PinStore: Sendable {
    /// The pins as last saved; none when nothing was ever saved.
    func load() throws(PinStoreFailure) -> Pins

    /// Makes these the pins, durably, before it returns. Blocks: not for an event loop's thread.
    func save(_ pins: Pins) throws(PinStoreFailure)
}

/// Why pins can't be loaded or saved. Without them every tool of the upstream stays hidden.
public enum PinStoreFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file can't be read or written.
    case system(SystemFailure)
    /// The file is larger than `PinFile.byteLimit`.
    case tooLarge
    /// The file isn't what `save` writes, or a definition in it doesn't have the hash beside it.
    case damaged(String)

    /// What is wrong.
    public var description: String {
        switch self {
        case .system(let failure): failure.description
        case .tooLarge: "the file of pinned tools has more than \(PinFile.byteLimit) bytes"
        case .damaged(let detail): "the file of pinned tools is damaged: \(detail)"
        }
    }
}

/// Pins in a JSON file that is replaced as a whole: after a crash it holds the old pins or the new.
///
/// One process writes it at a time; the daemon does, and commands go through it.
public struct PinFile: PinStore {
    /// Where the file is.
    public let path: String

    /// How large the file may be: 16 MiB.
    public static let byteLimit = 16 << 20

    /// A file that need not exist yet, in a folder that must.
    public init(path: String) {
        self.path = path
    }

    /// Reads the file; no file is no pins.
    public func load() throws(PinStoreFailure) -> Pins {
        let bytes: [UInt8]?
        do throws(SystemFailure) {
            bytes = try Files.read(path, limit: Self.byteLimit)
        } catch {
            if error.isNotFound { return Pins() }
            throw .system(error)
        }
        guard let bytes else { throw .tooLarge }
        return try Pins(parsing: bytes)
    }

    /// Replaces the file, readable by its owner only.
    public func save(_ pins: Pins) throws(PinStoreFailure) {
        let bytes = pins.encoded()
        guard bytes.count <= Self.byteLimit else { throw .tooLarge }
        do throws(SystemFailure) {
            try Files.replace(path, with: bytes, permissions: 0o600)
        } catch {
            throw .system(error)
        }
    }
}

// MARK: The file

extension Pins {
    /// One line per tool, so that two versions of the file can be compared by eye.
    func encoded() -> [UInt8] {
        var lines = approved.values.map { line($0.definition, $0.at, "approved", $0.approver) }
        lines += pending.values.map { line($0.definition, $0.since, "pending", nil) }
        let body = lines.sorted { $0.lexicographicallyPrecedes($1) }.joined(separator: Array(",\n".utf8))
        return Array("{\"komainu\":1,\"tools\":[\n".utf8) + Array(body) + Array("\n]}\n".utf8)
    }

    private func line(
        _ definition: ToolDefinition, _ time: WallTime, _ state: String, _ approver: Pin.Approver?
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("tool")
        writer.string(definition.name)
        writer.key("state")
        writer.string(state)
        if case .person(let name) = approver {
            writer.key("by")
            writer.string(name)
        }
        writer.key("at")
        writer.string(time.rfc3339(fractionDigits: 9))
        writer.key("hash")
        writer.string(definition.hash.description)
        writer.key("definition")
        writer.raw(definition.encoded)
        writer.endObject()
        return writer.bytes
    }

    init(parsing bytes: [UInt8]) throws(PinStoreFailure) {
        self.init()
        var limits = JSONLimits.standard
        limits.bytes = PinFile.byteLimit
        limits.depth += 2
        guard let document = try? JSONDocument(parsing: bytes, limits: limits) else { throw .damaged("not JSON") }
        guard document.member("komainu", of: document.root).flatMap(document.integer) == 1,
            let tools = document.member("tools", of: document.root), document.kind(tools) == .array
        else { throw .damaged("not a file of pinned tools") }
        for node in document.elements(of: tools) {
            try restore(node, document)
        }
    }

    private mutating func restore(_ node: JSONDocument.Node, _ document: JSONDocument) throws(PinStoreFailure) {
        let text = { (name: String) in document.member(name, of: node).flatMap(document.string) }
        guard let inner = document.member("definition", of: node),
            let definition = try? ToolDefinition(inner, in: document),
            let time = text("at").flatMap({ WallTime(rfc3339: $0.text) })
        else { throw .damaged("an entry can't be read") }
        guard definition.name == text("tool"), text("hash").flatMap(DefinitionHash.init) == definition.hash else {
            throw .damaged("the definition of `\(definition.name.text)` doesn't have its hash")
        }
        switch text("state") {
        case "approved":
            restore(Pin(definition: definition, approver: text("by").map { .person($0) } ?? .firstSight, at: time))
        case "pending": restore(Pending(definition: definition, since: time))
        default: throw .damaged("an entry has no known state")
        }
    }
}
