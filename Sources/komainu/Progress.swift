import System

/// How far something is that takes longer than two seconds, for a person at a terminal; nobody else sees it.
final class Progress {
    private let what: String
    private let start = MonotonicTime.now
    private var lastShown: MonotonicTime?

    init(_ what: String) {
        self.what = what
    }

    /// Shows how much of how much is done, five times a second at most.
    func show(_ done: Int, of total: Int) {
        let now = MonotonicTime.now
        guard Output.standardErrorIsTerminal, now - start > .seconds(2), total > 0 else { return }
        if let lastShown, now - lastShown < .milliseconds(200) { return }
        lastShown = now
        try? Output.standardError(Array("\r\(what) \(done * 100 / total) %".utf8))
    }

    /// Takes the line away before the answer.
    func clear() {
        guard lastShown != nil else { return }
        lastShown = nil
        try? Output.standardError(Array("\r\u{1B}[K".utf8))
    }
}
