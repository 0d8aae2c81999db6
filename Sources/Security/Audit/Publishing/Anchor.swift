import Bytes
import OpenSSL
import System

/// The last signed checkpoint, outside the trail's directory: a trail that was put back to an earlier state, or of which there
/// are two, does not fit it. It is replaced before a checkpoint is released, and only if it is still the one that was known.
final class Anchor {
    /// The file's name: two logs may share a folder.
    let name: String
    private let storage: any LogStorage
    /// What the file may hold, as far as this process knows: two contents after a replacement that failed half-way.
    private var known: [[UInt8]?] = []

    init(_ storage: any LogStorage, folder: String = "", origin: String) {
        self.storage = storage
        let file = "\(Anchor.stem(of: origin)).head"
        name = folder.isEmpty ? file : "\(folder)/\(file)"
    }

    /// What anchors of a log are called, without an ending.
    static func stem(of origin: String) -> String { Hex.encode(SHA256.hash(Array(origin.utf8))) }

    /// What is anchored; nil when nothing is yet.
    func read() throws(SystemFailure) -> [UInt8]? {
        let found = try storage.readIfThere(name, limit: 1 << 20)
        known = [found]
        return found
    }

    /// Anchors a checkpoint. False when somebody else replaced the anchor: the trail has a twin.
    func replace(with note: [UInt8]) throws(SystemFailure) -> Bool {
        let found = try storage.readIfThere(name, limit: 1 << 20)
        guard known.contains(found) else { return false }
        if found == note { return true }
        known = [found, note]
        try storage.replace(name, with: note, permissions: 0o600)
        known = [note]
        return true
    }
}
