import Bytes
import OpenSSL
import System
import Testing
import TransparencyLog

@testable import Audit

/// A whole file.
private func content(_ path: String) throws -> [UInt8] { try #require(try Files.read(path, limit: 1 << 24)) }

extension TrailFolder {
    /// Writes some calls into the trail, and closes it.
    func write(_ calls: Int, rotation: String? = nil) async throws {
        var settings = settings()
        settings.rotation = rotation
        let log = try AuditLog.open(settings)
        for _ in 0..<calls {
            let asked = try intent()
            _ = try await log.append(outcome(of: try await log.append(asked), asked))
        }
        log.close()
    }

    /// A copy of the trail's directory, to be put back.
    func copy() throws -> TrailCopy { try TrailCopy(directory) }

    var anchor: VerifyReport.Outside {
        get throws {
            let path = "\(path)/keys/\(Anchor.stem(of: origin)).head"
            return VerifyReport.Outside(file: "anchor", note: try content(path))
        }
    }

    var log: LogDescription {
        get throws {
            let bytes = try content("\(directory)/log.json")
            return try #require(LogDescription(bytes))
        }
    }

    var key: NoteKey { get throws { try #require(try log.key) } }

    func verify(key: NoteKey? = nil, outside: [VerifyReport.Outside] = []) -> VerifyReport {
        AuditCommands.verify(directory: directory, key: key, outside: outside)
    }

    /// Why the trail cannot be opened.
    func refusal() throws -> AuditFailure {
        do throws(AuditFailure) {
            try AuditLog.open(settings()).close()
        } catch {
            return error
        }
        struct Opened: Error {}
        throw Opened()
    }
}

/// All files of a trail.
struct TrailCopy {
    private var files: [String: [UInt8]] = [:]
    private let directory: String

    init(_ directory: String) throws {
        self.directory = directory
        try read("")
    }

    private mutating func read(_ folder: String) throws {
        for name in try Files.list("\(directory)\(folder)") where name != "LOCK" && name != "spare" {
            let path = "\(folder)/\(name)"
            if try Files.linkStatus(directory + path).kind == .folder {
                try read(path)
            } else {
                files[path] = try content(directory + path)
            }
        }
    }

    mutating func add(_ path: String, _ bytes: [UInt8]) { files["/\(path)"] = bytes }

    /// Makes the directory what it was.
    func putBack() throws {
        try Files.removeTree(directory)
        try write(to: directory)
    }

    func write(to directory: String) throws {
        for (path, bytes) in files {
            let folder = (directory + path).split(separator: "/").dropLast().joined(separator: "/")
            try Files.makeFolders("/\(folder)", permissions: 0o750)
            try File(directory + path, .readAndWriteNew(permissions: 0o640)).write(bytes, at: 0)
        }
    }
}

@Suite struct `A trail's tree` {
    @Test func `is signed to its end when the log is closed, and verifies with the key, the anchor, or neither`()
        async throws
    {
        let folder = try TrailFolder()
        try await folder.write(3)
        let report = folder.verify(key: try folder.key, outside: [try folder.anchor])
        #expect(report.exitCode == 0, "\(report.problems) \(report.warnings)")
        #expect(report.signed == report.records)
        #expect(report.key == (try folder.key.text))
        #expect(folder.verify().exitCode == 0)
        let keys = try Files.list("\(folder.path)/keys").filter { $0.hasPrefix("checkpoint-") }
        #expect(try keys.map { try Files.status("\(folder.path)/keys/\($0)").permissions } == [0o400])
    }

    @Test func `goes on from where it was, over many starts and more than one tile`() async throws {
        let folder = try TrailFolder()
        for _ in 0..<4 {
            try await folder.write(80)
            let report = folder.verify(outside: [try folder.anchor])
            #expect(report.exitCode == 0, "\(report.problems)")
            #expect(report.signed == report.records)
        }
        let tiles = try TreeFiles(DiskStorage(folder.directory)).tiles
        let first = try #require(Tile(level: 0, index: 0))
        #expect(tiles[first] == [256], "the partial tiles gave way to the full one")
        #expect(tiles.count == 4)
    }

    @Test func `is made again when its tiles are gone or spoiled`() async throws {
        let folder = try TrailFolder()
        try await folder.write(200)
        let before = folder.verify()
        try Files.removeTree("\(folder.directory)/tile")
        #expect(folder.verify().verdict == .missing)
        try await folder.write(1)
        #expect(folder.verify().exitCode == 0, "\(folder.verify().problems)")
        let after = try #require(folder.verify().signed)
        #expect(after > before.signed ?? 0)
        let edge = try #require(Tile.partial(of: after).first)
        try Files.replace("\(folder.directory)/\(edge.path)", with: [1, 2, 3], permissions: 0o640)
        #expect(folder.verify().verdict == .tampered)
        try await folder.write(1)
        #expect(folder.verify().signed ?? 0 > 400)
    }

    @Test func `is made for a trail from before there were checkpoints`() async throws {
        let folder = try TrailFolder()
        let old = try AuditLog.begin(folder.settings(), on: DiskStorage(folder.directory), LogClock())
        for _ in 0..<300 { _ = try old.write([Draft(AuditRecord(.listServed), at: LogClock().now())]) }
        #expect(folder.verify().verdict == .ok)
        #expect(try folder.log.key == nil)
        try await folder.write(1)
        let report = folder.verify(key: try folder.key)
        #expect(report.exitCode == 0, "\(report.problems) \(report.warnings)")
        #expect(report.signed == report.records)
        #expect(report.records > 300)
    }

    @Test func `is read while it grows`() async throws {
        let folder = try TrailFolder()
        var settings = folder.settings(segmentBytes: 65_536)
        settings.checkpointInterval = .milliseconds(2)
        let log = try AuditLog.open(settings)
        let writer = Task {
            while !Task.isCancelled {
                let asked = try intent()
                _ = try await log.append(outcome(of: try await log.append(asked), asked))
            }
        }
        try await eventually("a checkpoint") { folder.verify().signed != nil }
        for _ in 0..<25 {
            let report = folder.verify(outside: [try folder.anchor])
            #expect(report.exitCode == 0, "\(report.problems) \(report.warnings)")
            try await Task.sleep(for: .milliseconds(20))
        }
        writer.cancel()
        _ = await writer.result
        log.close()
        #expect(folder.verify().exitCode == 0)
        #expect(folder.verify().signed ?? 0 > 2)
    }

    @Test func `refuses to sign, and ends the log, when the disk has other bytes than were written`() async throws {
        let folder = try TrailFolder()
        var settings = folder.settings()
        settings.checkpointInterval = .seconds(3)
        let poison = Guarded(false)
        settings.whenPoisoned = { _ in poison.withLock { $0 = true } }
        let log = try AuditLog.open(settings)
        let path = "\(folder.directory)/\(log.health.segment)"
        try await eventually("the first checkpoint") { folder.verify().signed == 1 }
        // The next record, flipped between the writer and the notary, which looks again three seconds after; where the notary
        // was there first, the one after that.
        var written = 1
        while !poison.withLock({ $0 }), written < 20 {
            let size = Int(try Files.status(path).size)
            guard (try? await log.append(AuditRecord(.serverDown))) != nil else { break }
            try File(path, .readAndWrite).write(Array("x".utf8), at: Int64(size + 40))
            written += 1
            try await Task.sleep(for: .seconds(4))
        }
        try await eventually("the log ends") { poison.withLock { $0 } }
        if case .poisoned = log.health.state {} else { Issue.record("\(log.health.state)") }
        log.close()
        let signed = SignedNote(try content("\(folder.directory)/checkpoint")).flatMap { Checkpoint(text: $0.text) }
        #expect((signed?.size ?? 0) < UInt64(written))
    }
}

@Suite struct `A start refuses` {
    @Test func `a trail that was put back to an earlier state, and says both sizes`() async throws {
        let folder = try TrailFolder()
        try await folder.write(2)
        let early = try folder.copy()
        let found = try #require(folder.verify().signed)
        try await folder.write(2)
        let signed = try #require(folder.verify().signed)
        try early.putBack()
        #expect(try folder.refusal() == .rolledBack(source: "the anchor", signed: signed, found: found))
        #expect(try folder.refusal().description.contains("the anchor says \(signed) records, the log has \(found)"))
        // The directory alone is what it once was; the anchor tells.
        #expect(folder.verify().verdict == .ok)
        let report = folder.verify(outside: [try folder.anchor])
        #expect(report.verdict == .rolledBack)
        #expect(report.exitCode == 1)
        #expect(report.problems.first?.file.hasPrefix("seg/") == true)
    }

    @Test func `a trail whose end was cut off behind a checkpoint`() async throws {
        let folder = try TrailFolder()
        try await folder.write(2)
        let name = try #require(try folder.segments.last)
        let path = "\(folder.directory)/seg/\(name)"
        try Files.remove(path.replacingSuffix(".jsonl", with: ".seal"))
        let bytes = try content(path)
        let cut = try #require(bytes.dropLast().lastIndex(of: 0x0A)) + 1
        try Files.replace(path, with: Array(bytes[..<cut]), permissions: 0o640)
        guard case .rolledBack(_, let signed, let found) = try folder.refusal() else {
            Issue.record("\(try folder.refusal())")
            return
        }
        #expect(signed == found + 1)
        #expect(folder.verify().verdict == .truncated)
        #expect(folder.verify().problems.first?.offset == cut)
    }

    @Test func `one of two trails that went on from the same state`() async throws {
        let folder = try TrailFolder()
        try await folder.write(2)
        let twin = try folder.copy()
        try await folder.write(2)
        let (first, anchor) = (try folder.copy(), try folder.anchor)
        // The twin goes on under the same keys, with an anchor that knows no better.
        try twin.putBack()
        let head = "\(folder.path)/keys/\(Anchor.stem(of: folder.origin)).head"
        try Files.remove(head)
        try await folder.write(3)
        #expect(folder.verify().verdict == .ok)
        let report = folder.verify(outside: [anchor])
        #expect(report.verdict == .forked)
        #expect(report.exitCode == 1)
        try first.putBack()
        if case .rolledBack = try folder.refusal() {} else { Issue.record("the shorter twin was opened") }
        try Files.replace(head, with: anchor.note, permissions: 0o600)
        try await folder.write(0)
        #expect(folder.verify().verdict == .ok)
    }

    @Test func `a trail whose history disagrees with a checkpoint of the same size`() async throws {
        let folder = try TrailFolder()
        try await folder.write(2)
        let signed = try #require(folder.verify().signed)
        // Signed by the log's own key, over records that this trail does not have.
        let signer = try SigningKeyFolder(directory: "\(folder.path)/keys", origin: folder.origin).signer(
            for: folder.key)
        let text = Checkpoint(origin: ByteString(folder.origin), size: signed - 1, root: .leaf(of: [1])).text
        let note = SignedNote(text: text, signatures: [try signer.sign(text)]).encoded
        try Files.replace(
            "\(folder.path)/keys/\(Anchor.stem(of: folder.origin)).head", with: note, permissions: 0o600)
        #expect(try folder.refusal() == .forked(source: "the anchor", size: signed - 1))
        #expect(try folder.refusal().description.contains("the first \(signed - 1) records"))
        try Files.replace("\(folder.directory)/checkpoints/\(signed - 1)", with: note, permissions: 0o640)
        #expect(folder.verify().verdict == .forked)
    }

    @Test func `a key that is missing, readable by others, or another one`() async throws {
        let folder = try TrailFolder()
        try await folder.write(1)
        let name = try #require(try Files.list("\(folder.path)/keys").first { $0.hasPrefix("checkpoint-") })
        let path = "\(folder.path)/keys/\(name)"
        try Files.setPermissions(path, 0o440)
        #expect("\(try folder.refusal().code)" == "audit_signing_key")
        try Files.setPermissions(path, 0o400)
        let pem = try content(path)
        try Files.replace(path, with: try SigningKey.ed25519().pem(), permissions: 0o400)
        #expect("\(try folder.refusal().code)" == "audit_signing_key")
        try Files.remove(path)
        #expect("\(try folder.refusal().code)" == "audit_signing_key")
        try Files.replace(path, with: pem, permissions: 0o400)
        try await folder.write(1)
        #expect(folder.verify().exitCode == 0)
    }

    @Test func `a description without the key that it had`() async throws {
        let folder = try TrailFolder()
        try await folder.write(1)
        try Files.replace(
            "\(folder.directory)/log.json", with: LogDescription(origin: folder.origin).encoded, permissions: 0o444)
        guard case .damaged(let damage) = try folder.refusal() else { return }
        #expect(damage.file == "log.json")
        for name in ["checkpoint", "checkpoints", "tile"] {
            let path = "\(folder.directory)/\(name)"
            if try Files.status(path).kind == .folder { try Files.removeTree(path) } else { try Files.remove(path) }
        }
        // The records remember it.
        #expect(folder.verify().verdict == .missing)
        #expect(folder.verify().problems.first?.file == "log.json")
    }

    @Test func `a second anchoring process, and notices when the anchor is another's`() async throws {
        let folder = try TrailFolder()
        let storage = DiskStorage(folder.path)
        let (one, two) = (Anchor(storage, origin: "a"), Anchor(storage, origin: "a"))
        #expect(try one.read() == nil)
        #expect(try two.read() == nil)
        #expect(try one.replace(with: [1]))
        #expect(try !two.replace(with: [2]))
        #expect(try one.replace(with: [3]))
        #expect(try two.read() == [3])
        #expect(try two.replace(with: [4]))
        #expect(try !one.replace(with: [5]))
    }
}

@Suite struct `A trail's keys` {
    @Test func `are followed by others, which sign beside them for a while`() async throws {
        let folder = try TrailFolder()
        try await folder.write(1)
        let first = try folder.key
        try await folder.write(1, rotation: "yearly")
        let second = try folder.key
        #expect(second != first)
        try await folder.write(1, rotation: "again")
        let third = try folder.key
        for key in [first, second, third] {
            let report = folder.verify(key: key, outside: [try folder.anchor])
            #expect(report.exitCode == 0, "\(report.problems)")
        }
        #expect(try folder.kinds().count { $0 == "log.key_rotated" } == 2)
        let bytes = try content("\(folder.directory)/checkpoint")
        let note = try #require(SignedNote(bytes))
        #expect(Set(note.signatures.map(\.keyID)) == [third.keyID, first.keyID, second.keyID])
        #expect(try folder.log.retired.map(\.key) == [first, second])
        let stranger = try #require(
            NoteKey(name: ByteString(folder.origin), publicKey: [UInt8](repeating: 9, count: 32)))
        #expect(folder.verify(key: stranger).verdict == .tampered)
    }

    @Test func `are not exchanged in silence`() async throws {
        let folder = try TrailFolder()
        try await folder.write(1)
        var log = try folder.log
        let pinned = try folder.key
        // Whoever has the directory makes everything anew under a key of their own.
        let keys = KeptKeys(origin: folder.origin)
        log.key = try keys.make().key
        try Files.replace("\(folder.directory)/log.json", with: log.encoded, permissions: 0o444)
        #expect(folder.verify().verdict == .tampered)
        for name in try Files.list("\(folder.directory)/checkpoints") {
            try Files.remove("\(folder.directory)/checkpoints/\(name)")
        }
        let published = Publisher(
            DiskStorage(folder.directory), anchor: Anchor(DiskStorage(folder.path), origin: folder.origin), keys: keys,
            origin: folder.origin)
        try Files.remove("\(folder.directory)/checkpoint")
        let records = folder.verify().records
        _ = try published.resume(size: records, readsEverything: true, now: .now)
        try published.publish(upTo: TrailHead(next: records, lastLeaf: folder.verify().head))
        // The records still name the key that was.
        #expect(folder.verify().verdict == .tampered)
        #expect(folder.verify(key: pinned).verdict == .tampered)
    }
}

@Suite struct `A proof of one record` {
    @Test func `is made by number and by call, and checked with the key alone`() async throws {
        let folder = try TrailFolder()
        try await folder.write(150)
        let key = try folder.key
        let lines = try folder.lines()
        for number in [0, 1, 2, 200, lines.count - 1] {
            let proof = try AuditProof.inclusion(of: "\(number)", in: folder.directory)
            let shown = try AuditProof.check(proof.encoded, key: key)
            #expect(shown.record?.number == UInt64(number))
            #expect(shown.checkpoint.size == UInt64(lines.count))
        }
        let call = try #require(lines[100].text("cid")?.text)
        let record = try AuditProof.inclusion(of: call, in: folder.directory).extra ?? []
        #expect(String(decoding: record, as: UTF8.self).contains("\"kind\":\"call.intent\""))
        for wrong in ["\(lines.count)", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense", "-1"] {
            #expect(throws: AuditProof.Failure.self) { try AuditProof.inclusion(of: wrong, in: folder.directory) }
        }
        let proof = try AuditProof.inclusion(of: "7", in: folder.directory).encoded
        let other = try #require(NoteKey(name: key.name, publicKey: [UInt8](repeating: 9, count: 32)))
        #expect(throws: AuditProof.Failure.self) { try AuditProof.check(proof, key: other) }
        for index in stride(from: 0, to: proof.count, by: 7) {
            var changed = proof
            changed[index] ^= 1
            #expect(throws: AuditProof.Failure.self) { try AuditProof.check(changed, key: key) }
        }
    }

    @Test func `and one of growth leads from any earlier checkpoint to the newest`() async throws {
        let folder = try TrailFolder()
        for _ in 0..<3 { try await folder.write(50) }
        let key = try folder.key
        let kept = try TreeFiles(DiskStorage(folder.directory)).kept
        #expect(kept.count >= 6)
        for size in kept {
            let old = try content("\(folder.directory)/checkpoints/\(size)")
            let proof = try AuditProof.growth(from: size, in: folder.directory)
            #expect(try AuditProof.check(proof.encoded, key: key, old: old).old == size)
            #expect(throws: AuditProof.Failure.self) { try AuditProof.check(proof.encoded, key: key) }
            let another = try content("\(folder.directory)/checkpoints/\(kept.first { $0 != size } ?? 0)")
            #expect(throws: AuditProof.Failure.self) { try AuditProof.check(proof.encoded, key: key, old: another) }
        }
        #expect(throws: AuditProof.Failure.self) { try AuditProof.growth(from: 100_000, in: folder.directory) }
    }
}
