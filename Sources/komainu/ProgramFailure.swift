import Commands
import Configuration
import System

/// Why a command could not do what it was asked for, in words for whoever typed it. Never holds a secret.
struct ProgramFailure: Error, Equatable {
    /// One sentence, lower case, without a full stop; empty when everything was said already.
    let text: String
    /// What the shell is told.
    let code: ExitCode

    init(_ text: String, code: ExitCode = .unknown) {
        self.text = text
        self.code = code
    }
}

/// Does something with files, and says what it was when it fails.
func attempting<Result: ~Copyable>(
    _ what: String, _ body: () throws(SystemFailure) -> Result
) throws(ProgramFailure) -> Result {
    do throws(SystemFailure) {
        return try body()
    } catch {
        throw ProgramFailure("\(what): \(error)")
    }
}

/// Runs a command's work and turns its failure into words and an exit code.
func reporting(_ body: () throws(ProgramFailure) -> ExitCode) -> ExitCode {
    do throws(ProgramFailure) {
        return try body()
    } catch {
        if !error.text.isEmpty { Console.complain(error.text) }
        return error.code
    }
}

extension LoadedConfiguration {
    /// Loads the configuration for a command that needs it whole; its mistakes are told, warnings aren't: `check` does that.
    static func loadOrReport(_ path: String) throws(ProgramFailure) -> LoadedConfiguration {
        do throws(ConfigurationFailure) {
            return try load(path)
        } catch {
            Console.report(error.problems)
            throw ProgramFailure("", code: .usage)
        }
    }
}
