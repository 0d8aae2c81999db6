import Bytes
import JSON
import System

/// Reads a trail from its beginning, shows what a filter admits, and goes on from where it stopped when it is run again.
struct AuditQuery {
    private let storage: DiskStorage
    private let filter: AuditFilter
    private let isJSON: Bool
    private let sentence: PlainSentence
    private var run: FilterRun
    /// The segment that is being read, and how much of it is read.
    private var place: (name: SegmentName, offset: Int)?
    private var shown = 0
    private var isFirstRun = true
    /// Lines that are none of ours.
    private(set) var unreadable = 0

    init(_ directory: String, _ filter: AuditFilter, json: Bool, names: [ByteString: ByteString]) {
        storage = DiskStorage(directory)
        self.filter = filter
        isJSON = json
        sentence = PlainSentence(names: names)
        run = FilterRun(filter, names: names)
    }

    /// Whether as many records were shown as were asked for.
    var isFull: Bool { filter.limit.map { shown >= $0 } ?? false }

    /// Shows what is there and was not shown yet.
    mutating func run(_ write: ([UInt8]) -> Void) throws(SystemFailure) {
        var names = try storage.list("seg").compactMap(SegmentName.init(fileName:)).sorted()
        var kept: [[UInt8]] = []
        let last = isFirstRun ? filter.last : nil
        if let last { names = try newest(last, of: names) }
        isFirstRun = false
        for name in names {
            if let place, name < place.name { continue }
            if try isPassedOver(name) { continue }
            try read(name) { text in
                guard let last else { return write(text) }
                kept.append(text)
                if kept.count > max(1_024, 2 * last) { kept.removeFirst(kept.count - last) }
            }
            if isFull { break }
        }
        for text in kept.suffix(last ?? 0) { write(text) }
    }

    /// The newest segments that hold as many wanted records, so that the end of a long trail is shown at once.
    private func newest(_ count: Int, of names: [SegmentName]) throws(SystemFailure) -> [SegmentName] {
        var wanted = 0
        for index in names.indices.reversed() {
            var probe = self
            probe.isFirstRun = false
            if try !isPassedOver(names[index]) { try probe.read(names[index]) { _ in wanted += 1 } }
            if wanted >= count { return Array(names[index...]) }
        }
        return names
    }

    /// Whether a segment's seal says that all of it is from other times than are asked for.
    private func isPassedOver(_ name: SegmentName) throws(SystemFailure) -> Bool {
        guard filter.since != nil || filter.until != nil, place?.name != name,
            let bytes = try storage.readIfThere(name.sealPath, limit: Seal.limit),
            let times = Seal(bytes, of: name)?.times
        else { return false }
        return filter.since.map { times.end < $0 } ?? false || filter.until.map { times.begin >= $0 } ?? false
    }

    /// Reads what is new in a segment. A line without its end is still being written, and is left for the next time.
    private mutating func read(_ name: SegmentName, _ show: ([UInt8]) -> Void) throws(SystemFailure) {
        let file = try storage.open(name.path, .read)
        let size = try file.status().size
        let start = place.map { $0.name == name ? min($0.offset, size) : 0 } ?? 0
        place = (name, start)
        var reader = LineReader(file, from: start, to: size)
        while !isFull, let (bytes, offset, isWhole) = try reader.next() {
            if !isWhole {
                if bytes.count <= AuditRecord.lineLimit { return }
                unreadable += 1
                continue
            }
            place = (name, offset + bytes.count + 1)
            guard let line = try? TrailLine(parsing: bytes) else {
                unreadable += 1
                continue
            }
            if run.admits(line, bytes) {
                shown += 1
                show(isJSON ? bytes + [0x0A] : Array("\(sentence.of(line))\n".utf8))
            }
        }
    }
}
