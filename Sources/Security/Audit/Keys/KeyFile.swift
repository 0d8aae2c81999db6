import Bytes
import JSON
import OpenSSL
import System

/// Where the keys are kept: `keys.db`, one JSON object a line, readable by this user only. The first line has the log's own
/// keys, each further line one subject's.
///
/// Whoever reads it can test guesses at what the trail hides; whoever loses it can open no commitment any more.
final class KeyFile: Sendable {
    /// What the file holds.
    struct Content {
        var index: [UInt8]
        var fingerprint: [UInt8]
        var subjects: [ByteString: [UInt8]] = [:]
        var names: [ByteString: ByteString] = [:]
    }

    private static let name = "keys.db"
    private static let limit = 1 << 30
    private static let longestFlush = 64 << 10

    private let directory: String
    /// Lines that are not on disk yet. Any task adds, the log's writer takes.
    private let owed = Guarded<[UInt8]>([])
    /// How many bytes of the file are on disk. Only the log's writer changes it.
    private let end: Guarded<Int>

    private init(_ directory: String, end: Int) {
        self.directory = directory
        self.end = Guarded(end)
    }

    /// Opens the file, or makes it with fresh keys.
    static func open(_ directory: String) throws(AuditFailure) -> (KeyFile, Content) {
        let storage = DiskStorage(directory, folderPermissions: 0o700)
        let found: [UInt8]?
        do throws(SystemFailure) {
            try storage.makeFolder("")
            found = try storage.readIfThere(name, limit: limit)
        } catch {
            throw .system(error)
        }
        guard let found else { return try make(directory, storage) }
        guard let (content, end) = read(found) else {
            throw .damaged(
                AuditDamage(file: "\(directory)/\(name)", offset: 0, reason: "it does not hold this log's keys"))
        }
        if end < found.count {
            let torn = Array(found[end...])
            do throws(SystemFailure) {
                try storage.replace("\(name).torn-\(end)", with: torn, permissions: 0o600)
                let file = try storage.open(name, .readAndWrite)
                try file.truncate(to: end)
                try file.synchronize()
            } catch {
                throw .system(error)
            }
        }
        return (KeyFile(directory, end: end), content)
    }

    /// What the keys of a directory are, without changing anything: for reviewers.
    static func content(of directory: String) throws(SystemFailure) -> Content? {
        try DiskStorage(directory).readIfThere(name, limit: limit).flatMap { read($0)?.content }
    }

    private static func make(_ directory: String, _ storage: DiskStorage) throws(AuditFailure) -> (KeyFile, Content) {
        let content: Content
        do throws(OpenSSLFailure) {
            content = Content(index: try Random.bytes(32), fingerprint: try Random.bytes(32))
        } catch {
            throw .random(error.description)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("v")
        writer.int(1)
        writer.key("index")
        writer.string(Base64URL.encode(content.index))
        writer.key("fingerprint")
        writer.string(Base64URL.encode(content.fingerprint))
        writer.endObject()
        let line = writer.bytes + [0x0A]
        do throws(SystemFailure) { try storage.replace(name, with: line, permissions: 0o600) } catch {
            throw .system(error)
        }
        return (KeyFile(directory, end: line.count), content)
    }

    /// Remembers a new subject's key, to be written by `flush`.
    func owe(subject: ByteString, key: [UInt8], issuer: ByteString?, name: ByteString?) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("sub")
        writer.string(subject.text)
        writer.key("key")
        writer.string(Base64URL.encode(key))
        if let issuer {
            writer.key("iss")
            writer.string(issuer.text)
        }
        if let name {
            writer.key("name")
            writer.string(name.text)
        }
        writer.endObject()
        // A name too long to be one is not worth remembering; the key is.
        if writer.bytes.count > 16 << 10, issuer != nil || name != nil {
            return owe(subject: subject, key: key, issuer: nil, name: nil)
        }
        let line = writer.bytes + [0x0A]
        owed.withLock { $0 += line }
    }

    /// Puts the owed lines on disk. After a failure they are still owed, at the same place: writing them again makes the disk
    /// take them even when it dropped them before.
    func flush() throws(SystemFailure) {
        while true {
            let lines = owed.withLock { owed in
                let cut = owed.prefix(KeyFile.longestFlush).lastIndex(of: 0x0A).map { $0 + 1 }
                return Array(owed.prefix(cut ?? 0))
            }
            if lines.isEmpty { return }
            try append(lines)
        }
    }

    private func append(_ lines: [UInt8]) throws(SystemFailure) {
        let start = end.withLock { $0 }
        let file = try DiskStorage(directory).open(KeyFile.name, .readAndWrite)
        try file.write(lines.span, at: start)
        try file.synchronizeData()
        end.withLock { $0 = start + lines.count }
        owed.withLock { $0.removeFirst(lines.count) }
    }

    /// The keys, and where the last good line ends; nil when these are not the keys of a log.
    ///
    /// A crash can tear only what one flush wrote, and no record that needs one of its keys was written. So a bad end is set
    /// aside, but no more of it than a flush can have written.
    private static func read(_ bytes: [UInt8]) -> (content: Content, end: Int)? {
        var content: Content?
        var end = 0
        while let next = bytes[end...].firstIndex(of: 0x0A) {
            guard let document = try? JSONDocument(parsing: Array(bytes[end..<next])) else { break }
            if content == nil {
                content = head(document)
                if content == nil { return nil }
            } else {
                guard let subject = document.text("sub"),
                    let key = document.text("key").flatMap(Base64URL.decode), key.count == 32
                else { break }
                content?.subjects[subject] = key
                content?.names[subject] = document.text("name")
            }
            end = next + 1
        }
        return bytes.count - end <= longestFlush ? content.map { ($0, end) } : nil
    }

    private static func head(_ document: JSONDocument) -> Content? {
        guard document.number("v") == 1,
            let index = document.text("index").flatMap(Base64URL.decode), index.count == 32,
            let fingerprint = document.text("fingerprint").flatMap(Base64URL.decode), fingerprint.count == 32
        else { return nil }
        return Content(index: index, fingerprint: fingerprint)
    }
}
