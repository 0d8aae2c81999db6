import Bytes
import JSON
import Synchronization

/// What comes back in arguments: masks and pseudonyms that stood in place of data.
struct Returning {
    let document: JSONDocument
    /// Where to ask what a pseudonym stands for; nil when it must not be put back.
    let memory: PseudonymMemory?
    private(set) var edits = JSONEdits()

    init(document: JSONDocument, memory: PseudonymMemory?) {
        self.document = document
        self.memory = memory
    }

    /// Looks through a value; false when it holds something that stood in place of data and can't be put back.
    mutating func take(_ node: JSONDocument.Node) -> Bool {
        switch document.kind(node) {
        case .string: return takeText(node)
        case .array:
            for element in document.elements(of: node) { if !take(element) { return false } }
        case .object:
            for member in document.members(of: node) {
                if holdsPlaceholder(member.name) || !take(member.value) { return false }
            }
        case .null, .bool, .number: break
        }
        return true
    }

    private func holdsPlaceholder(_ node: JSONDocument.Node) -> Bool {
        document.withStringBytes(node) { Pseudonyms.isPlaceholder(in: $0) } ?? false
    }

    private mutating func takeText(_ node: JSONDocument.Node) -> Bool {
        guard holdsPlaceholder(node) else { return true }
        guard let memory, let text = document.string(node)?.bytes, let restored = memory.restored(text),
            !Pseudonyms.isPlaceholder(in: restored.span)
        else { return false }
        var writer = JSONWriter()
        writer.string(ByteString(restored))
        edits.replace(node, with: writer.bytes)
        return true
    }
}

/// What pseudonyms stand for, for those that were given since the start, up to a number. In memory only: it ends with the
/// process, and a pseudonym from before is refused.
final class PseudonymMemory: Sendable {
    private struct State {
        var originals: [ByteString: [UInt8]] = [:]
        var order: [ByteString] = []
        var oldest = 0
    }

    private let state = Mutex(State())
    /// The most pseudonyms that are remembered; the oldest are forgotten first.
    private static let most = 65_536

    func remember(_ given: [(pseudonym: [UInt8], original: [UInt8])]) {
        guard !given.isEmpty else { return }
        state.withLock { state in
            for (pseudonym, original) in given {
                let name = ByteString(pseudonym)
                guard state.originals.updateValue(original, forKey: name) == nil else { continue }
                if state.order.count < Self.most {
                    state.order.append(name)
                } else {
                    state.originals[state.order[state.oldest]] = nil
                    state.order[state.oldest] = name
                    state.oldest = (state.oldest + 1) % Self.most
                }
            }
        }
    }

    /// A text with its pseudonyms put back; nil when it holds none that is remembered.
    func restored(_ text: [UInt8]) -> [UInt8]? {
        state.withLock { state in
            if let whole = state.originals[ByteString(text)] { return whole }
            var out: [UInt8] = []
            var found = false
            var at = 0
            while at < text.count {
                let end = text.span.endOfRun(from: at) {
                    isWord($0) || $0 == 0x2d || $0 == 0x40 || $0 == 0x2e || $0 == 0x2b
                }
                guard end > at else {
                    out.append(text[at])
                    at += 1
                    continue
                }
                // A full stop that ends a sentence is no part of it.
                let last = text[end - 1] == 0x2e ? end - 1 : end
                let original = state.originals[ByteString(text[at..<last])]
                found = found || original != nil
                out += original ?? Array(text[at..<last])
                out += text[last..<end]
                at = end
            }
            return found ? out : nil
        }
    }
}
