/// A command line that fits its command's form, to be read into values.
///
/// A reading method that can't read records why and gives nil, so a command reads everything first and then asks
/// `finish` once: all mistakes are told together.
public struct Arguments {
    /// The form they fit.
    public let form: CommandForm
    private let program: String
    private let flags: Set<String>
    private let values: [String: [String]]
    private let operands: [String]
    private var mistakes: [String] = []

    init(form: CommandForm, program: String, flags: Set<String>, values: [String: [String]], operands: [String]) {
        self.form = form
        self.program = program
        self.flags = flags
        self.values = values
        self.operands = operands
    }

    /// Whether a switch was given.
    public func flag(_ name: String) -> Bool {
        expect(name)
        return flags.contains(name)
    }

    /// An option's value, when it was given.
    public func value(_ name: String) -> String? {
        expect(name)
        return values[name]?.last
    }

    /// All values of an option that may be repeated.
    public func all(_ name: String) -> [String] {
        expect(name)
        return values[name] ?? []
    }

    /// All values of an option that may be repeated or hold several, parted by commas; nil when it wasn't given.
    /// An empty element is a mistake: `a,,b` isn't what anybody means.
    public mutating func list(_ name: String) -> [String]? {
        let given = all(name)
        guard !given.isEmpty else { return nil }
        let elements = given.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        if elements.contains("") { mistake("`--\(name)` has an empty element") }
        return elements.filter { !$0.isEmpty }
    }

    /// The operand at this place, when it was given.
    public func operand(_ index: Int) -> String? {
        operands.indices.contains(index) ? operands[index] : nil
    }

    /// The operand at this place, which the form requires. Parsing has checked that it is there.
    public func required(_ index: Int) -> String {
        precondition(!form.operands[index].isOptional, "\(form.words): operand \(index) may be absent")
        return operands[index]
    }

    /// The value of an option that the form requires. Parsing has checked that it is there.
    public func required(_ name: String) -> String {
        guard let value = value(name) else {
            preconditionFailure("\(form.words): --\(name) isn't required by its form")
        }
        return value
    }

    /// A whole number within bounds.
    public mutating func int(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = value(name) else { return nil }
        if let number = Int(text), range.contains(number) { return number }
        mistake("`--\(name) \(text)` isn't a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// A span of time such as `30s`, `15min`, `12h`, `90d`, at least one of its unit.
    public mutating func duration(_ name: String) -> Duration? {
        guard let text = value(name) else { return nil }
        if let duration = Arguments.duration(text) { return duration }
        mistake("`--\(name) \(text)` isn't a duration such as `30s`, `15min`, `12h` or `90d`")
        return nil
    }

    /// Records what only the command can know to be wrong.
    public mutating func mistake(_ message: String) {
        mistakes.append(message)
    }

    /// Throws everything that was recorded; the last thing a command's initialiser does before it is made.
    public func finish() throws(UsageMistakes) {
        if !mistakes.isEmpty { throw UsageMistakes(mistakes, command: ([program] + form.words).joined(separator: " ")) }
    }

    static func duration(_ text: String) -> Duration? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard let count = Int(digits), count > 0 else { return nil }
        let unit: Int
        switch text.dropFirst(digits.count) {
        case "s": unit = 1
        case "m", "min": unit = 60
        case "h": unit = 3600
        case "d": unit = 86_400
        default: return nil
        }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit)
        return overflow ? nil : .seconds(seconds)
    }

    /// An option that isn't in the form could never be given: our mistake, found by the first test that runs the command.
    private func expect(_ name: String) {
        precondition(form.option(named: name) != nil, "\(form.words) has no option --\(name)")
    }
}
