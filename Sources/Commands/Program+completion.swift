/// The shells that can be told what may be typed.
public enum Shell: String, CaseIterable, Sendable {
    /// GNU bash.
    case bash
    /// The Z shell.
    case zsh
    /// fish.
    case fish
}

extension Program {
    /// A script that teaches a shell the commands, their options and what these take.
    public func completion(for shell: Shell) -> String {
        switch shell {
        case .bash: bash
        // zsh runs bash's completions; one script less that can be wrong.
        case .zsh: "#compdef \(name)\nautoload -U +X bashcompinit && bashcompinit\n\(bash)"
        case .fish: fish
        }
    }

    /// Every prefix of command words with the words that may follow it: `""` to `serve`, `endpoint`; `"endpoint"` to `create`.
    private var followers: [(prefix: [String], next: [String])] {
        var groups: [[String]] = [[]]
        for form in listed where form.words.count > 1 && !groups.contains([form.words[0]]) {
            groups.append([form.words[0]])
        }
        return groups.map { prefix in
            var next: [String] = []
            for form in listed where form.words.count > prefix.count && form.words.starts(with: prefix) {
                let word = form.words[prefix.count]
                if !next.contains(word) { next.append(word) }
            }
            return (prefix, next)
        }
    }

    private var bash: String {
        var cases = ""
        for (prefix, next) in followers {
            let extra = prefix.isEmpty ? " --help --version" : " --help"
            cases += "        '\(prefix.joined(separator: " "))') words='\(next.joined(separator: " "))\(extra)' ;;\n"
        }
        for form in listed {
            let options = form.options.map { "--\($0.name)" } + ["--help"]
            var words = options.joined(separator: " ")
            if let operand = form.operands.first, case .words(let known) = operand.completion {
                words += " " + known.joined(separator: " ")
            }
            let files = form.operands.first.map { bashKind($0.completion) } ?? ""
            cases += "        '\(form.words.joined(separator: " "))') words='\(words)'; kind='\(files)' ;;\n"
        }
        var values = ""
        for form in listed {
            for option in form.options where option.value != nil {
                let words = if case .words(let known) = option.completion { known.joined(separator: " ") } else { "" }
                values += "        '\(form.words.joined(separator: " ")) --\(option.name)') "
                values += "words='\(words)'; kind='\(bashKind(option.completion))' ;;\n"
            }
        }
        return """
            _\(name)() {
                local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" path='' words='' kind='' word
                for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                    case "${path:+$path }$word" in
                        \(followers.flatMap { group in group.next.map { (group.prefix + [$0]).joined(separator: " ") } }
                            .map { "'\($0)'" }.joined(separator: "|"))) path="${path:+$path }$word" ;;
                        *) break ;;
                    esac
                done
                case "$path" in
            \(cases)    esac
                case "$path $previous" in
            \(values)    esac
                COMPREPLY=($(compgen -W "$words" -- "$current"))
                case "$kind" in
                    files) COMPREPLY+=($(compgen -f -- "$current")) ;;
                    directories) COMPREPLY+=($(compgen -d -- "$current")) ;;
                esac
            }
            complete -o filenames -F _\(name) \(name)

            """
    }

    private func bashKind(_ completion: Completion) -> String {
        switch completion {
        case .files: "files"
        case .directories: "directories"
        case .nothing, .words: ""
        }
    }

    private var fish: String {
        var text = "complete -c \(name) -f\n"
        for (prefix, next) in followers {
            for word in next {
                let summary = listed.first { $0.words == prefix + [word] }?.summary ?? "\(word) commands"
                let condition = "__fish_\(name)_at \(prefix.joined(separator: " "))"
                text += "complete -c \(name) -n '\(condition)' -a '\(word)' -d '\(quoted(summary))'\n"
            }
        }
        for form in listed {
            let condition = "__fish_\(name)_in \(form.words.joined(separator: " "))"
            for option in form.options {
                text += "complete -c \(name) -n '\(condition)' -l \(option.name)\(fishValue(option))"
                text += " -d '\(quoted(option.help))'\n"
            }
            guard let operand = form.operands.first else { continue }
            switch operand.completion {
            case .words(let words):
                text += "complete -c \(name) -n '\(condition)' -a '\(words.joined(separator: " "))'\n"
            case .files, .directories: text += "complete -c \(name) -n '\(condition)' -F\n"
            case .nothing: break
            }
        }
        return fishFunctions + text
    }

    private func fishValue(_ option: Option) -> String {
        guard option.value != nil else { return "" }
        switch option.completion {
        case .words(let words): return " -x -a '\(words.joined(separator: " "))'"
        case .files, .directories: return " -r -F"
        case .nothing: return " -x"
        }
    }

    /// `at`: exactly these words were typed so far; `in`: the line begins with them.
    private var fishFunctions: String {
        """
        function __fish_\(name)_at
            set -l words (commandline -opc)
            test "$words[2..-1]" = "$argv"
        end
        function __fish_\(name)_in
            set -l words (commandline -opc)
            test (count $words) -gt (count $argv); and test "$words[2..(math (count $argv) + 1)]" = "$argv"
        end

        """
    }

    private func quoted(_ text: String) -> String { text.replacing("'", with: "\\'") }
}
