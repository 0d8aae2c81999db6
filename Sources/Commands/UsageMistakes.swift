/// Everything that is wrong with a command line, told at once.
public struct UsageMistakes: Error, Equatable, Sendable {
    /// One sentence each, lower case, the user's words in backticks.
    public let messages: [String]
    /// The command whose help helps: `komainu endpoint create`.
    public let command: String

    /// Everything that is wrong with one command line.
    public init(_ messages: [String], command: String) {
        self.messages = messages
        self.command = command
    }
}

/// The known word that is probably meant: at most a third of the letters differ.
func suggestion(for word: String, among known: [String]) -> String? {
    let closest = known.map { ($0, distance(Array(word.utf8), Array($0.utf8))) }.min { $0.1 < $1.1 }
    guard let (candidate, distance) = closest, distance <= max(1, word.utf8.count / 3) else { return nil }
    return "did you mean `\(candidate)`?"
}

/// Levenshtein's distance. Both are words of a command line, so short.
private func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    var row = Array(0...other.count)
    for (i, letter) in one.prefix(64).enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, candidate) in other.enumerated() {
            let substituted = diagonal + (letter == candidate ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
        }
    }
    return row[other.count]
}
