import Audit
import Commands
import Configuration
import TransparencyLog

/// Gives a trail a new signing key.
struct AuditRotateKey: Command {
    static let form = CommandForm(
        ["audit", "rotate-key"], summary: "Give the trail a new signing key",
        discussion: """
            With the proxy stopped. The trail records the change, and for 30 days both keys sign, so that whoever has the old public
            key can follow. Prints the new public key, to be published.
            """,
        options: [
            .value("reason", "TEXT", "why, for the trail"), CommonArguments.configuration,
        ],
        examples: ["komainu audit rotate-key --reason 'yearly'"])

    private let configurationPath: String
    private let reason: String

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configurationPath = arguments.configurationPath
        reason = arguments.value("reason") ?? "by the operator"
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let configuration: Configuration
            do throws(ConfigurationFailure) { configuration = try Configuration.load(configurationPath) } catch {
                Console.report(error.problems)
                throw ProgramFailure("mend the configuration", code: .usage)
            }
            var settings = configuration.auditSettings { _ in }
            settings.rotation = reason
            do throws(AuditFailure) {
                let log = try AuditLog.open(settings)
                log.close()
                Console.line(log.verificationKey)
            } catch {
                throw ProgramFailure("the key can't be changed: \(error)")
            }
            return .yes
        }
    }
}
