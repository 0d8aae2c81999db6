/// `did you mean` for a word that nobody knows: the nearest known word, when one is near enough to be a slip.
public func suggestion(for word: String, among known: [String]) -> String? {
    let limit = max(1, (word.unicodeScalars.count + 1) / 3)
    let lowered = Array(word.lowercased().unicodeScalars.prefix(64))
    let ranked = known.map { (word: $0, distance: distance(lowered, Array($0.lowercased().unicodeScalars.prefix(64)))) }
    guard let best = ranked.min(by: { ($0.distance, $0.word) < ($1.distance, $1.word) }), best.distance <= limit else {
        return nil
    }
    return "did you mean `\(best.word)`?"
}

/// `a`, `b` and `c`, each in backticks.
public func listed(_ words: [String], _ last: String = "and") -> String {
    let quoted = words.map { "`\($0)`" }
    guard let final = quoted.last, quoted.count > 1 else { return quoted.first ?? "nothing" }
    return quoted.dropLast().joined(separator: ", ") + " \(last) " + final
}

/// How many insertions, deletions, replacements and swaps of neighbours lead from one word to the other.
private func distance(_ from: [Unicode.Scalar], _ to: [Unicode.Scalar]) -> Int {
    var older: [Int] = []
    var previous = Array(0...to.count)
    for (row, left) in from.enumerated() {
        var current = [row + 1]
        for (column, right) in to.enumerated() {
            var best = min(previous[column + 1] + 1, current[column] + 1, previous[column] + (left == right ? 0 : 1))
            if row > 0, column > 0, left == to[column - 1], from[row - 1] == right {
                best = min(best, older[column - 1] + 1)
            }
            current.append(best)
        }
        older = previous
        previous = current
    }
    return previous[to.count]
}
