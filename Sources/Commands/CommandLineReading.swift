/// Takes one command's words apart by its form.
///
/// `--name value` and `--name=value`; `--` ends the options; names are never abbreviated, so that a script keeps its
/// meaning when an option is added.
struct CommandLineReading {
    let program: String
    let form: CommandForm
    private var flags: Set<String> = []
    private var values: [String: [String]] = [:]
    private var operands: [String] = []
    private var mistakes: [String] = []

    init(program: String, form: CommandForm) {
        self.program = program
        self.form = form
    }

    func asksForHelp(_ words: [String]) -> Bool {
        words.prefix { $0 != "--" }.contains { $0 == "--help" || $0 == "-h" }
    }

    mutating func read(_ words: [String]) throws(UsageMistakes) -> Arguments {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                operands.append(contentsOf: rest)
                break
            }
            // A lone dash is an operand by custom: standard input.
            if word.hasPrefix("-"), word != "-" { readOption(word, &rest) } else { operands.append(word) }
        }
        checkOperands()
        checkOptions()
        guard mistakes.isEmpty else {
            throw UsageMistakes(mistakes, command: ([program] + form.words).joined(separator: " "))
        }
        return Arguments(form: form, program: program, flags: flags, values: values, operands: operands)
    }

    private mutating func readOption(_ word: String, _ rest: inout ArraySlice<String>) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let written = String(parts[0])
        guard written.hasPrefix("--"), let option = form.option(named: written.dropFirst(2)) else {
            let hint = suggestion(for: written, among: form.options.map { "--\($0.name)" } + ["--help"])
            mistakes.append("unknown option `\(written)`" + (hint.map { "; \($0)" } ?? ""))
            return
        }
        guard option.value != nil else {
            if parts.count > 1 { mistakes.append("`\(written)` takes no value") }
            flags.insert(option.name)
            return
        }
        // What begins with dashes is the next option, not a value; a value that does is written with `=`.
        let next = parts.count > 1 ? String(parts[1]) : rest.first.flatMap { $0.hasPrefix("--") ? nil : $0 }
        if parts.count == 1, next != nil { rest.removeFirst() }
        guard let value = next, !value.isEmpty else {
            mistakes.append("`\(written)` needs a value: \(written) \(option.value ?? "")")
            return
        }
        take(value, for: option)
    }

    private mutating func take(_ value: String, for option: Option) {
        if case .words(let words) = option.completion, !words.contains(value) {
            mistakes.append("`--\(option.name) \(value)` is none of: \(words.joined(separator: ", "))")
        }
        if !option.repeats, values[option.name] != nil { mistakes.append("`--\(option.name)` is given twice") }
        values[option.name, default: []].append(value)
    }

    private mutating func checkOperands() {
        for missing in form.operands.dropFirst(operands.count) where !missing.isOptional {
            mistakes.append("\(missing.name) is missing: \(missing.help)")
        }
        for extra in operands.dropFirst(form.operands.count) { mistakes.append("unexpected `\(extra)`") }
        for (operand, value) in zip(form.operands, operands) {
            guard case .words(let words) = operand.completion, !words.contains(value) else { continue }
            mistakes.append("`\(value)` is none of: \(words.joined(separator: ", "))")
        }
    }

    private mutating func checkOptions() {
        for option in form.options where option.isRequired && values[option.name] == nil {
            mistakes.append("`--\(option.name) \(option.value ?? "")` is missing: \(option.help)")
        }
    }
}
