import Bytes
import System
import TransparencyLog

/// Why the tree could not follow the trail.
enum PublishFailure: Error {
    /// For now; nothing is lost by trying again.
    case failed(SystemFailure)
    /// The trail's bytes are not the ones that were written. Nothing may be signed over them.
    case refused(AuditDamage)
    /// The trail had these bytes signed otherwise before.
    case forked(source: String, size: UInt64)
}

/// Reads the trail's lines from the segments' files in their order and gives their leaves. It reads what is stored, not what
/// the writer has in memory: so a bit that flipped in between is found before anything is signed.
struct TrailCursor {
    private let storage: any LogStorage
    /// The number of the next record.
    private(set) var next: UInt64
    /// The leaf before it; nil when it is not known yet.
    private(set) var lastLeaf: [UInt8]?
    private var name: SegmentName?
    private var offset = 0

    /// Before the first record.
    init(_ storage: any LogStorage, origin: String) {
        self.storage = storage
        next = 0
        lastLeaf = LeafHasher.genesis(of: origin)
    }

    /// Behind the first `count` records, of which there is at least one.
    init(_ storage: any LogStorage, behind count: UInt64) throws(PublishFailure) {
        self.storage = storage
        let names = try TrailCursor.segments(storage)
        guard let name = names.last(where: { $0.first < count }) else {
            throw .refused(AuditDamage(file: "seg", offset: 0, reason: "record \(count - 1) is missing"))
        }
        self.name = name
        next = name.first
        try read(to: count) { _ in }
    }

    /// Reads on until `end` records lie behind. After a failure it stands behind the last record that it gave.
    mutating func read(to end: UInt64, _ each: (TreeHash) -> Void) throws(PublishFailure) {
        guard next < end else { return }
        for name in try TrailCursor.segments(storage) {
            if let current = self.name, name < current { continue }
            if name != self.name {
                guard name.first == next else {
                    throw .refused(
                        AuditDamage(file: name.path, offset: 0, reason: "record \(next) is missing before it"))
                }
                (self.name, offset) = (name, 0)
            }
            try read(name, to: end, each)
            if next == end { return }
        }
        // A segment may have been taken away for a moment; the writer notices that itself.
        throw .failed(SystemFailure(call: "read", errno: 61, path: name?.path ?? "seg"))
    }

    private mutating func read(_ name: SegmentName, to end: UInt64, _ each: (TreeHash) -> Void) throws(PublishFailure) {
        var isBroken = false
        var hasher = LeafHasher()
        do throws(SystemFailure) {
            let file = try storage.open(name.path, .read)
            var reader = LineReader(file, from: offset, to: try file.status().size)
            while next < end, !isBroken, let (line, start, isWhole) = try reader.next(), isWhole {
                isBroken = lastLeaf.map { !Chain.isLinked(line, to: $0) } ?? false
                if isBroken { continue }
                let bytes = hasher.leaf(of: line.span)
                guard let leaf = TreeHash(bytes) else { break }
                lastLeaf = bytes
                next += 1
                offset = start + line.count + 1
                each(leaf)
            }
        } catch {
            throw .failed(error)
        }
        if isBroken {
            throw .refused(AuditDamage(file: name.path, offset: offset, reason: LineProblem.brokenChain.description))
        }
    }

    private static func segments(_ storage: any LogStorage) throws(PublishFailure) -> [SegmentName] {
        do throws(SystemFailure) {
            return try storage.list("seg").compactMap(SegmentName.init(fileName:)).sorted()
        } catch {
            throw .failed(error)
        }
    }
}
