import System

/// Why a command could not do what it was asked for, in words for whoever typed it. Never holds a secret.
struct ProgramFailure: Error, Equatable {
    /// One sentence, lower case, without a full stop.
    let text: String

    init(_ text: String) {
        self.text = text
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
