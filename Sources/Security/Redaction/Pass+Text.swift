import Bytes
import JSON
import Policy

extension Pass {
    /// Visits a string: JSON within it becomes a layer, the rest is looked through by the detectors.
    mutating func visitText(
        _ node: JSONDocument.Node, _ document: JSONDocument, _ layer: Int, state: Int, name: Int?
    ) throws(Withheld) {
        // Must come back as it is; only what was removed elsewhere is looked for.
        if let name, names.traits(name).contains(.cursor) {
            layers[layer].plain.append((node, place))
            return
        }
        guard document.stringContainsEscapes(node) else {
            switch look(at: document.writtenText(node), name) {
            case .nothing: layers[layer].plain.append((node, place))
            case .mayHoldJSON: try compose(node, document.string(node)?.bytes ?? [], nil, layer, state: state)
            case .findings(let findings): try replace(findings, in: document.string(node)?.bytes ?? [], node, layer)
            }
            return
        }
        let written = EscapedText(node, of: document)
        let text = written?.bytes ?? document.string(node)?.bytes ?? []
        switch look(at: text.span, name) {
        case .nothing: layers[layer].plain.append((node, place))
        case .mayHoldJSON: try compose(node, text, written, layer, state: state)
        case .findings(let findings): try replace(findings, in: text, node, layer)
        }
    }

    private mutating func replace(
        _ findings: [Finding], in text: [UInt8], _ node: JSONDocument.Node, _ layer: Int
    ) throws(Withheld) {
        let text = try replaced(text, findings)
        layers[layer].composed.append(ComposedText(node: node, place: place, parts: [.text(text)], isChanged: true))
    }

    /// What a first look at a text tells.
    private enum Look {
        case nothing
        /// JSON, or a text that names its values: `email: ada@…`.
        case mayHoldJSON
        case findings([Finding])
    }

    private func look(at text: Span<UInt8>, _ name: Int?) -> Look {
        guard text.count >= 2, !isTimestamp(text) else { return .nothing }
        if text[0] == 0x7b || text[0] == 0x5b || text[0] == 0x22 { return .mayHoldJSON }
        let traits = TextTraits(text)
        if traits.hasBracket { return .mayHoldJSON }
        if !program.lastNames.isEmpty, traits.mayNameValues, !namedValues(in: text).isEmpty { return .mayHoldJSON }
        if let name, names.traits(name).contains(.telling), let finding = wholeFinding(text, names[name]) {
            return .findings([finding])
        }
        let findings = scanner.findings(in: text, traits)
        return findings.isEmpty ? .nothing : .findings(findings)
    }

    /// A value that is what its name says.
    private func wholeFinding(_ text: Span<UInt8>, _ name: NameMeaning) -> Finding? {
        if let secret = name.secret, program.kinds.contains(.secret), isSecretValue(text, 0, text.count, secret) {
            return Finding(.secret, 0, text.count)
        }
        if name.isPhone, program.kinds.contains(.phone), looksLikePhone(text) { return Finding(.phone, 0, text.count) }
        return nil
    }

    // MARK: Numbers

    /// The fewest digits of a number that detectors look at: shorter ones are ids and amounts.
    private static let leastDigits = 12

    /// Visits a number of some length: a card's or a person's, or a telephone's by its name, is zero afterwards.
    mutating func visitNumber(
        _ node: JSONDocument.Node, _ document: JSONDocument, _ layer: Int, name: Int?
    ) throws(Withheld) {
        guard let finding = finding(in: document.writtenText(node), name),
            let rule = program.textRules[finding.kind.rawValue]
        else {
            layers[layer].numbers.append((node, place))
            return
        }
        if rule.way == .withhold { throw Withheld(.rule, rule: rule.group) }
        removed.add(document.writtenText(node), Pseudonyms.mask(of: finding.kind), isNumber: true)
        note(finding.kind)
        layers[layer].edits.replace(node, with: Self.zero)
    }

    /// What a number is as a whole. A fraction of nothing (`4111111111111111.0`) is none.
    private func finding(in number: Span<UInt8>, _ name: Int?) -> Finding? {
        let digits = number.endOfRun(from: 0, isDigit)
        let zeros = number.endOfRun(from: digits) { $0 == 0x2e || $0 == 0x30 }
        guard zeros == number.count else { return nil }
        let text = number.extracting(first: digits)
        if let name, names.traits(name).contains(.telling), let finding = wholeFinding(text, names[name]) {
            return finding
        }
        guard digits >= Self.leastDigits else { return nil }
        return scanner.findings(in: text).first { $0.start == 0 && $0.end == digits }
    }

    // MARK: JSON in texts

    /// How many times a text may be tried as JSON, and how many bytes may be read in vain for each byte of it: a text of
    /// nothing but brackets would else be read again from each of them.
    private static let mostAttempts = 256
    private static let wastePerByte = 4

    private mutating func compose(
        _ node: JSONDocument.Node, _ text: [UInt8], _ written: EscapedText?, _ layer: Int, state: Int
    ) throws(Withheld) {
        var composed = ComposedText(
            node: node, place: place, original: text, written: written, parts: [], isChanged: false)
        try divide(text, into: &composed, layer, state: state)
        layers[layer].composed.append(composed)
    }

    /// Divides a text into JSON and what stands around it.
    mutating func divide(
        _ text: [UInt8], into composed: inout ComposedText, _ layer: Int, state: Int
    ) throws(Withheld) {
        var at = 0
        var plain = 0
        var attempts = 0
        var isBroken = false
        // Where the documents end that the text begins with; nil once something else stood there.
        var leading: Int? = skippingBlanks(text, text.starts(with: Self.byteOrderMark) ? 3 : 0)
        var waste = text.count * Self.wastePerByte
        let isDeep = layers[layer].depth + 1 >= Self.deepestLayer
        while at < text.count, !isDeep, attempts < Self.mostAttempts, waste > 0 {
            guard beginsJSON(text, at) || at == 0 && isEncodedTwice(text) else {
                at += 1
                continue
            }
            attempts += 1
            guard let inner = try? JSONDocument(parsingValueIn: text, at: at) else {
                isBroken = isBroken || at == leading && holdsValues(text, at)
                waste -= text.count - at
                at += 1
                continue
            }
            try addPlain(text[plain..<at], to: &composed)
            layers.append(Layer(document: inner, root: inner.root, depth: layers[layer].depth + 1))
            composed.parts.append(.layer(layers.count - 1, at..<inner.end))
            let inside = automaton.union(automaton.stepToPlain(state), automaton.initial)
            try visit(inner.root, inner, layers.count - 1, state: inside, name: nil)
            if at == leading {
                let next = nextDocument(text, inner.end)
                isBroken = isBroken || goesOnAsJSON(text, next)
                leading = next
            } else {
                leading = nil
            }
            at = inner.end
            plain = at
        }
        try addPlain(text[plain...], to: &composed)
        // What was read of it until now is remembered all the same: it may stand elsewhere.
        guard !program.fieldRules.isEmpty, !isDefinition else { return }
        if isBroken || holdsUnread(text, from: at, isDeep: isDeep) {
            composed.parts = [.text(Pseudonyms.mask)]
            composed.isChanged = true
            noteResidue()
        }
    }

    // MARK: Texts that are almost JSON

    private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    private func skippingBlanks(_ text: [UInt8], _ start: Int) -> Int {
        var at = start
        while at < text.count, isBlank(text[at]) { at += 1 }
        return at
    }

    /// Where another document would begin behind one: behind blanks, or behind a comma.
    private func nextDocument(_ text: [UInt8], _ end: Int) -> Int {
        let at = skippingBlanks(text, end)
        return at < text.count && text[at] == 0x2c ? skippingBlanks(text, at + 1) : at
    }

    /// Whether an object or an array of texts, objects or arrays begins here. `[1]` and `[see]` are prose.
    private func holdsValues(_ text: [UInt8], _ at: Int, escaped: Bool = false) -> Bool {
        guard text[at] == 0x7b || text[at] == 0x5b else { return false }
        var next = at + 1
        while next < text.count, isBlank(text[next]) || escaped && text[next] == 0x5c { next += 1 }
        guard next < text.count else { return false }
        if text[at] == 0x7b { return text[next] == 0x22 || text[next] == 0x7d }
        return text[next] == 0x7b || text[next] == 0x5b || text[next] == 0x22
    }

    /// Whether what stands behind a document is the rest of a larger one: `{},"email":"…"}`.
    private func goesOnAsJSON(_ text: [UInt8], _ at: Int) -> Bool {
        guard at < text.count else { return false }
        return text[at] == 0x22 || text[at] == 0x3a || text[at] == 0x7d || text[at] == 0x5d
    }

    /// Whether JSON stands where a limit was reached before it was read.
    private func holdsUnread(_ text: [UInt8], from start: Int, isDeep: Bool) -> Bool {
        for at in start..<text.count where holdsValues(text, at, escaped: isDeep) { return true }
        return false
    }

    /// Whether an object with members or an array of something may begin here.
    private func beginsJSON(_ text: [UInt8], _ at: Int) -> Bool {
        guard text[at] == 0x7b || text[at] == 0x5b else { return false }
        var next = at + 1
        while next < text.count, isBlank(text[next]) { next += 1 }
        guard next < text.count else { return false }
        if text[at] == 0x7b { return text[next] == 0x22 || text[next] == 0x7d }
        switch text[next] {
        case 0x7b, 0x5b, 0x22, 0x5d, 0x2d, 0x30...0x39, 0x74, 0x66, 0x6e: return true
        default: return false
        }
    }

    /// A JSON string that is the whole text.
    private func isEncodedTwice(_ text: [UInt8]) -> Bool {
        text.count >= 4 && text[0] == 0x22 && text.last == 0x22
    }

    private mutating func addPlain(_ text: ArraySlice<UInt8>, to composed: inout ComposedText) throws(Withheld) {
        guard !text.isEmpty else { return }
        let text = Array(text)
        var findings = scanner.findings(in: text.span)
        let fields = program.lastNames.isEmpty ? [] : namedValues(in: text.span)
        guard !findings.isEmpty || !fields.isEmpty else {
            composed.parts.append(.text(text))
            return
        }
        findings.removeAll { finding in fields.contains { $0.start < finding.end && finding.start < $0.end } }
        composed.parts.append(.text(try replaced(text, findings, fields)))
        composed.isChanged = true
    }

    // MARK: Replacing

    /// A text with what was found in it replaced, by what the rules say.
    mutating func replaced(
        _ text: [UInt8], _ findings: [Finding], _ fields: [LooseField] = []
    ) throws(Withheld) -> [UInt8] {
        var changes: [(range: Range<Int>, replacement: [UInt8])] = []
        for finding in findings {
            guard let rule = program.textRules[finding.kind.rawValue] else { continue }
            if rule.way == .withhold { throw Withheld(.rule, rule: rule.group) }
            let value = text.span.extracting(finding.start..<finding.end)
            let replacement = replacement(for: value, rule.way, finding.kind)
            removed.add(value, replacement.isEmpty ? Pseudonyms.mask(of: finding.kind) : replacement)
            note(finding.kind)
            changes.append((finding.start..<finding.end, replacement))
        }
        for field in fields { changes.append(try change(field, text)) }
        changes.sort { $0.range.lowerBound < $1.range.lowerBound }
        var out: [UInt8] = []
        var copied = 0
        for (range, replacement) in changes {
            if range.lowerBound >= copied {
                out += text[copied..<range.lowerBound]
                out += replacement
            }
            // Where two overlap, what the second has more goes too.
            copied = max(copied, range.upperBound)
        }
        return out + text[copied...]
    }

    private mutating func change(
        _ field: LooseField, _ text: [UInt8]
    ) throws(Withheld) -> (range: Range<Int>, replacement: [UInt8]) {
        let rule = program.fieldRules[field.rule]
        if rule.way == .withhold { throw Withheld(.rule, rule: rule.group) }
        let quote = text[field.start]
        let isQuoted = quote == 0x22 || quote == 0x27
        // A text that is cut off has no closing quote.
        let isClosed = isQuoted && field.end - field.start >= 2 && text[field.end - 1] == quote
        let range = (isQuoted ? field.start + 1 : field.start)..<(isClosed ? field.end - 1 : field.end)
        let value = text.span.extracting(range)
        note(field: field.rule)
        let isNumber =
            !isQuoted && value.endOfRun(from: 0) { isDigit($0) || $0 == 0x2e || $0 == 0x2d } == value.count
        let replacement = isNumber ? [0x30] : replacement(for: value, rule.way, nil)
        removed.add(value, replacement.isEmpty || isNumber ? Pseudonyms.mask : replacement)
        return (range, replacement)
    }
}
