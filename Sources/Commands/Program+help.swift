extension Program {
    /// The program's own help.
    public var help: String {
        var rows: [(String, String)] = []
        for form in listed { rows.append((form.words.joined(separator: " "), form.summary)) }
        return """
            \(summary)

            usage: \(name) COMMAND [OPTIONS]
                   \(name) COMMAND --help

            commands
            \(table(rows))
            options
            \(table([("--help", "this text, or a command's own"), ("--version", "the version")]))
            exit codes: 0 yes; 1 no; 2 usage or configuration; 3 could not tell; 4 yes, with warnings

            """
    }

    /// One command's help.
    public func help(of form: CommandForm) -> String {
        var text = "\(form.summary)\n\n"
        text += "usage: \(usage(of: form))\n"
        if !form.discussion.isEmpty { text += "\n\(form.discussion)\n" }
        if !form.operands.isEmpty { text += "\n" + table(form.operands.map { ($0.name, $0.help) }) }
        let options = form.options.map { option in
            ("--\(option.name)" + (option.value.map { " \($0)" } ?? ""), option.help + notes(on: option))
        }
        text += "\noptions\n" + table(options + [("--help", "this text")])
        if !form.examples.isEmpty {
            text += "\nexamples\n" + form.examples.map { "  \($0)\n" }.joined()
        }
        return text
    }

    func help(ofGroup group: String, _ forms: [CommandForm]) -> String {
        let rows = forms.map { ($0.words.joined(separator: " "), $0.summary) }
        return "usage: \(name) \(group) COMMAND [OPTIONS]\n\n\(table(rows))"
    }

    private func usage(of form: CommandForm) -> String {
        var words = [name] + form.words
        for option in form.options where option.isRequired { words.append("--\(option.name) \(option.value ?? "")") }
        if form.options.contains(where: { !$0.isRequired }) { words.append("[OPTIONS]") }
        for operand in form.operands { words.append(operand.isOptional ? "[\(operand.name)]" : operand.name) }
        return words.joined(separator: " ")
    }

    private func notes(on option: Option) -> String {
        var notes = ""
        if case .words(let words) = option.completion { notes += ": \(words.joined(separator: ", "))" }
        if option.repeats { notes += " (may be repeated)" }
        return notes
    }

    private func table(_ rows: [(String, String)]) -> String {
        // A name too long for its column has its explanation on the next line.
        let width = min(28, rows.map(\.0.count).max() ?? 0)
        return rows.map { name, help in
            guard name.count <= width else { return "  \(name)\n  \(String(repeating: " ", count: width))  \(help)\n" }
            return "  \(name)\(String(repeating: " ", count: width - name.count))  \(help)\n"
        }.joined()
    }
}
