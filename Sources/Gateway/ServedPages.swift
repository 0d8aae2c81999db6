import Bytes
import JSON
import MCP
import Policy
import Synchronization

/// Pages of `tools/list` as they were served. A page that comes again, byte for byte but for the id, from a book that has not
/// changed, for a caller under the same rules, is served as it was: parsing, judging and writing it again would give the same
/// bytes. Who asks, whether they may, and both records are each request's own, as ever.
///
/// Bounded; when full it begins anew. It goes with the rules it was made under at the next reload.
final class ServedPages: Sendable {
    /// Everything that decides what becomes of a page.
    struct Key: Hashable {
        let policy: ByteString
        let view: CallerView
        /// `ToolBook.revision`: of the definitions, the catalogue and the pins.
        let revision: Int
    }

    private struct Page {
        let vendors: Frame
        let served: Frame
    }

    private struct State {
        var pages: [Key: [Page]] = [:]
        var bytes = 0
    }
    private let byteLimit: Int
    private let state = Mutex(State())
    /// Pages of one list that one caller's view may have here; a longer list is judged each time.
    private static let mostPages = 16

    /// - Parameter byteLimit: how much is kept. Default 16 MiB.
    init(byteLimit: Int = 16 << 20) {
        self.byteLimit = byteLimit
    }

    /// What to serve for these bytes of the vendor's; nil when they have to be judged.
    func find(_ bytes: [UInt8], answering id: RequestID, _ key: Key) -> [UInt8]? {
        let pages = state.withLock { $0.pages[key] }
        return pages?.first { $0.vendors.holds(id, in: bytes) }?.served.bytes(with: id)
    }

    /// Keeps what became of a page.
    ///
    /// - Parameter document: `bytes`, parsed.
    func keep(_ bytes: [UInt8], _ document: JSONDocument, servedAs served: [UInt8], answering id: RequestID, _ key: Key)
    {
        guard let vendors = Frame(of: id, in: bytes, document), let ours = try? JSONDocument(parsing: served),
            let frame = Frame(of: id, in: served, ours)
        else { return }
        let size = bytes.count + served.count
        guard size <= byteLimit / 4 else { return }
        state.withLock { state in
            if state.bytes + size > byteLimit { state = State() }
            guard state.pages[key, default: []].count < ServedPages.mostPages else { return }
            state.pages[key, default: []].append(Page(vendors: vendors, served: frame))
            state.bytes += size
        }
    }
}

/// A message without its id: what stands before it and what behind.
private struct Frame {
    private let head: [UInt8]
    private let tail: [UInt8]

    /// Nil when where the id stands cannot be told: in a message with white space between its members.
    init?(of id: RequestID, in bytes: [UInt8], _ document: JSONDocument) {
        var position = 1
        var found: Range<Int>?
        document.forEachMember(of: document.root) { name, value in
            position += document.encodedCount(name) + 1
            let end = position + document.encodedCount(value)
            if document.isString(name, equalTo: "id") { found = position..<end }
            position = end + 1
        }
        // The members, their commas and the braces fill all of it exactly when nothing else stands between them.
        guard position == bytes.count, let found, bytes[found].elementsEqual(id.encoded.bytes) else { return nil }
        head = Array(bytes[..<found.lowerBound])
        tail = Array(bytes[found.upperBound...])
    }

    /// Whether bytes are this message with that id.
    func holds(_ id: RequestID, in bytes: [UInt8]) -> Bool {
        let idEnd = head.count + id.encoded.count
        guard bytes.count == idEnd + tail.count else { return false }
        let span = bytes.span
        return span.extracting(..<head.count).isSame(as: head.span)
            && span.extracting(head.count..<idEnd).isSame(as: id.encoded.bytes.span)
            && span.extracting(idEnd...).isSame(as: tail.span)
    }

    func bytes(with id: RequestID) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(head.count + id.encoded.count + tail.count)
        bytes += head
        bytes += id.encoded.bytes
        bytes += tail
        return bytes
    }
}
