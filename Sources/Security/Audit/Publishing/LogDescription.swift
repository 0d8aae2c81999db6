import Bytes
import JSON
import System
import TransparencyLog

/// `log.json`: whose log this is, and by which keys its checkpoints are signed. What a stranger reads first.
///
/// Whoever can write it can name another key; then no checkpoint verifies that anybody kept, and no anchor.
struct LogDescription: Equatable, Sendable {
    static let path = "log.json"
    static let limit = 64 << 10

    /// A key that signs beside its successor until a time, and never after it.
    struct Retired: Equatable, Sendable {
        let key: NoteKey
        let until: WallTime
    }

    let origin: String
    /// The key that signs. Nil in a trail that was made before there were checkpoints, until it is opened again.
    var key: NoteKey?
    /// The key that is to sign once `log.key_rotated` is in the trail.
    var next: NoteKey?
    /// The keys that signed before, oldest first.
    var retired: [Retired] = []

    init(origin: String) {
        self.origin = origin
    }

    /// Reads a description; nil unless every member is what it must be.
    init?(_ bytes: [UInt8]) {
        guard let document = try? JSONDocument(parsing: bytes), document.number("v") == 1,
            let origin = document.text("origin")?.text
        else { return nil }
        self.origin = origin
        if let text = document.text("vkey") {
            guard let key = LogDescription.key(text, origin) else { return nil }
            self.key = key
        }
        if let text = document.text("next") {
            guard let key = LogDescription.key(text, origin) else { return nil }
            next = key
        }
        for entry in document.member("retired", of: document.root).map({ document.elements(of: $0) }) ?? [] {
            guard let text = document.member("vkey", of: entry).flatMap({ document.string($0) }),
                let key = LogDescription.key(text, origin),
                let until = document.member("until", of: entry).flatMap({ document.string($0) })
                    .flatMap({ WallTime(rfc3339: $0.text) })
            else { return nil }
            retired.append(Retired(key: key, until: until))
        }
    }

    private static func key(_ text: ByteString, _ origin: String) -> NoteKey? {
        NoteKey(text).flatMap { $0.name == ByteString(origin) ? $0 : nil }
    }

    /// The keys whose signatures count.
    var keys: [NoteKey] { (key.map { [$0] } ?? []) + retired.map(\.key) }

    var encoded: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("v", 1)
        writer.member("origin", origin)
        if let key { writer.member("vkey", key.text) }
        writer.member("entry", "jsonl/1")
        writer.member("genesis", Base64URL.encode(LeafHasher.genesis(of: origin)))
        if let next { writer.member("next", next.text) }
        if !retired.isEmpty {
            writer.key("retired")
            writer.beginArray()
            for retired in retired {
                writer.beginObject()
                writer.member("vkey", retired.key.text)
                writer.member("until", retired.until.rfc3339(fractionDigits: 9))
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.bytes + [0x0A]
    }

    /// Puts it into the trail's directory, durably and in one step.
    func write(to storage: any LogStorage) throws(SystemFailure) {
        try storage.replace(LogDescription.path, with: encoded, permissions: 0o444)
        try storage.synchronizeFolder("")
    }
}
