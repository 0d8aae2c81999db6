public import Bytes

extension Reading {
    /// A text. Plain words that look like a number, a boolean or nothing are refused: quotes make them texts.
    public func text(_ node: Node) -> String? {
        guard let scalar = node.scalar, !scalar.isNull else {
            mistake(node, "expected a text, found \(node.kindForPeople)")
            return nil
        }
        if scalar.isPlain, scalar.isText("true") || scalar.isText("false") || decimal(scalar.text) != nil {
            mistake(node, "expected a text, found \(node.kindForPeople)", hint: "put it in quotes")
            return nil
        }
        return scalar.text
    }

    /// A text as bytes, at least one: a name that will be compared.
    public func name(_ node: Node) -> ByteString? {
        nonEmptyText(node).map { ByteString($0) }
    }

    /// A text with at least one character.
    public func nonEmptyText(_ node: Node) -> String? {
        guard let text = text(node) else { return nil }
        if !text.isEmpty { return text }
        mistake(node, "the text is empty")
        return nil
    }

    /// `true` or `false`, unquoted. YAML 1.1's other spellings are refused: half the world reads them as texts.
    public func bool(_ node: Node) -> Bool? {
        if let scalar = node.scalar, scalar.isPlain {
            if scalar.isText("true") { return true }
            if scalar.isText("false") { return false }
        }
        mistake(node, "expected `true` or `false`, found \(node.kindForPeople)")
        return nil
    }

    /// A whole number in decimal digits.
    public func int(_ node: Node) -> Int? {
        int(node, in: Int.min...Int.max)
    }

    /// A whole number in decimal digits, within bounds.
    public func int(_ node: Node, in range: ClosedRange<Int>) -> Int? {
        guard let scalar = node.scalar, scalar.isPlain, let value = decimal(scalar.text) else {
            mistake(node, "expected a whole number, found \(node.kindForPeople)")
            return nil
        }
        if range.contains(value) { return value }
        let bounds =
            range.upperBound == Int.max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        mistake(node, "`\(value)` is out of range", hint: "use \(bounds)")
        return nil
    }

    /// One of several words.
    public func choice<Value>(_ node: Node, _ choices: KeyValuePairs<String, Value>) -> Value? {
        guard let word = text(node) else { return nil }
        if let match = choices.first(where: { $0.key.utf8.elementsEqual(word.utf8) }) { return match.value }
        let words = choices.map(\.key)
        mistake(
            node, "unknown word `\(word)`", hint: suggestion(for: word, among: words) ?? "use \(listed(words, "or"))")
        return nil
    }

    /// A span of time, such as `250ms`, `30s`, `5min`, `2h`, `7d`.
    public func duration(_ node: Node) -> Duration? {
        if let (count, unit) = countAndUnit(node), let duration = Self.duration(count, unit) { return duration }
        mistake(
            node, "expected a duration such as `30s`, found \(node.kindForPeople)", hint: "units are ms, s, min, h, d")
        return nil
    }

    /// A number of bytes, such as `4096`, `64KiB`, `1MiB`, `2GB`.
    public func size(_ node: Node) -> Int? {
        if let (count, unit) = countAndUnit(node), let factor = Self.bytes(in: unit) {
            let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
            if !overflow { return bytes }
        }
        mistake(
            node, "expected a size such as `1MiB`, found \(node.kindForPeople)",
            hint: "units are B, KB, KiB, MB, MiB, GB, GiB")
        return nil
    }

    /// A number of events in a span of time, such as `120/min`.
    public func rate(_ node: Node) -> Rate? {
        if let text = node.scalar?.text {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, let count = decimal(String(parts[0])), count > 0,
                let period = Self.duration(1, String(parts[1]))
            {
                return Rate(count: count, period: period)
            }
        }
        mistake(node, "expected a rate such as `120/min`, found \(node.kindForPeople)", hint: "units are s, min, h, d")
        return nil
    }

    private func countAndUnit(_ node: Node) -> (count: Int, unit: String)? {
        guard let text = node.scalar?.text else { return nil }
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard let count = decimal(String(digits)) else { return nil }
        return (count, String(text.dropFirst(digits.count)))
    }

    private static func duration(_ count: Int, _ unit: String) -> Duration? {
        let seconds: Int
        switch unit {
        case "ms": return .milliseconds(count)
        case "s": seconds = 1
        case "m", "min": seconds = 60
        case "h": seconds = 3_600
        case "d": seconds = 86_400
        default: return nil
        }
        let (total, overflow) = count.multipliedReportingOverflow(by: seconds)
        return overflow ? nil : .seconds(total)
    }

    private static func bytes(in unit: String) -> Int? {
        switch unit {
        case "", "B": 1
        case "KB", "kB": 1_000
        case "KiB": 1 << 10
        case "MB": 1_000_000
        case "MiB": 1 << 20
        case "GB": 1_000_000_000
        case "GiB": 1 << 30
        default: nil
        }
    }
}

/// So many events in so much time.
public struct Rate: Hashable, Sendable {
    /// How many; at least 1.
    public let count: Int
    /// In how long a time.
    public let period: Duration

    /// So many in that time.
    public init(count: Int, period: Duration) {
        self.count = count
        self.period = period
    }
}

/// Decimal digits with an optional minus; no leading zeros, no underscores, no octal or hexadecimal.
private func decimal(_ text: String) -> Int? {
    let digits = text.utf8.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
    guard let first = digits.utf8.first, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    guard first != UInt8(ascii: "0") || digits.utf8.count == 1 else { return nil }
    return Int(text)
}
