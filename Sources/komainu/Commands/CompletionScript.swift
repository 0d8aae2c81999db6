import Commands

/// Prints what a shell needs to complete our commands.
struct CompletionScript: Command {
    static let form = CommandForm(
        ["completion"], summary: "Print a completion script for a shell",
        operands: [Operand("SHELL", "bash, zsh or fish", completion: .words(Shell.allCases.map(\.rawValue)))],
        examples: [
            "komainu completion bash > ~/.local/share/bash-completion/completions/komainu",
            "komainu completion zsh > ~/.zfunc/_komainu",
            "komainu completion fish > ~/.config/fish/completions/komainu.fish",
        ])

    private let shell: Shell

    init(_ arguments: Arguments) throws(UsageMistakes) {
        // Parsing refused every other word.
        shell = Shell(rawValue: arguments.required(0)) ?? .bash
    }

    func run() -> ExitCode {
        Console.write(Komainu.program.completion(for: shell))
        return .yes
    }
}
