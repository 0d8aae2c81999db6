import Commands
import Configuration
import JSON
import YAML

/// Says every mistake of a configuration, its catalogues and its policies.
struct Check: Command {
    static let form = CommandForm(
        ["check"], summary: "Say every mistake in the configuration, its catalogues and its policies",
        discussion: """
            Nothing is started, changed or contacted. Exit code 0: all is well; 4: it works, with warnings; 2: mistakes.
            """,
        operands: [CommonArguments.configurationOperand], options: [CommonArguments.json],
        examples: ["komainu check", "komainu check /etc/komainu/komainu.yaml --json"])

    private let path: String
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        path = arguments.operand(0) ?? CommonArguments.standardConfiguration
        asJSON = arguments.flag("json")
    }

    func run() -> ExitCode {
        do throws(ConfigurationFailure) {
            let loaded = try LoadedConfiguration.load(path)
            let unusable = loaded.configuration.unusableFiles
            guard unusable.isEmpty else { throw ConfigurationFailure(problems: loaded.warnings + unusable) }
            tell(loaded.warnings, "\(path): fine", isUsable: true)
            return loaded.warnings.isEmpty ? .yes : .warnings
        } catch {
            let count = error.problems.filter { $0.severity == .mistake }.count
            tell(error.problems, "\(path): \(count == 1 ? "1 mistake" : "\(count) mistakes")", isUsable: false)
            return .usage
        }
    }

    private func tell(_ problems: [Problem], _ summary: String, isUsable: Bool) {
        if asJSON {
            Console.json { writer in
                writer.beginObject()
                writer.member("usable", isUsable)
                writer.key("problems")
                writer.beginArray()
                for problem in problems { write(problem, &writer) }
                writer.endArray()
                writer.endObject()
            }
        } else {
            Console.report(problems)
            Console.line(summary)
        }
    }

    private func write(_ problem: Problem, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("severity", problem.severity == .mistake ? "mistake" : "warning")
        writer.member("file", problem.file)
        writer.member("line", problem.line)
        writer.member("column", problem.column)
        writer.member("message", problem.message)
        writer.member("hint", problem.hint)
        writer.endObject()
    }
}

extension Configuration {
    /// The files that are there and hold something else than they should: certificates, keys, authorities.
    fileprivate var unusableFiles: [Problem] {
        var problems: [Problem] = []
        func check(_ file: String, _ body: () throws(ProgramFailure) -> Void) {
            do throws(ProgramFailure) {
                try body()
            } catch {
                problems.append(Problem(file: file, line: 1, column: 1, message: error.text))
            }
        }
        for files in [tls, admin?.tls] {
            if let files { check(files.certificate) { () throws(ProgramFailure) in _ = try serverContext(files) } }
        }
        for upstream in upstreams {
            check(file) { () throws(ProgramFailure) in
                // The variables of our environment may be others than the proxy's: `doctor` looks at those.
                if case .command = upstream.location { return }
                _ = try upstream.upstreamSettings()
            }
            guard let path = upstream.authorities else { continue }
            check(path) { () throws(ProgramFailure) in _ = try clientContext(trusting: path) }
        }
        check(file) { () throws(ProgramFailure) in _ = try tokenIssuers() }
        return problems
    }
}
