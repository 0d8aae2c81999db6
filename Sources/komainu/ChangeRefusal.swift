import Catalog
import Commands
import Identity

/// Why a change of the records is not made, for whoever asked for it: a command or the admin API.
struct ChangeRefusal: Error {
    /// What kind of no it is.
    enum Kind {
        /// What is to be changed is not there.
        case notFound
        /// The request is wrong; a field says where.
        case invalid
        /// The records are not as the request supposes.
        case conflict
        /// The same idempotency key with another request.
        case keyReused
        /// A limit is reached.
        case full
        /// It cannot be told or done at the moment.
        case unavailable
    }

    let kind: Kind
    /// The field that is wrong, as it is called in JSON.
    let field: String?
    /// One sentence, lower case, without a full stop; never a secret.
    let text: String
    /// What the shell is told.
    let code: ExitCode

    init(_ kind: Kind, field: String? = nil, _ text: String, code: ExitCode? = nil) {
        self.kind = kind
        self.field = field
        self.text = text
        self.code =
            code
            ?? {
                switch kind {
                case .notFound, .conflict, .full: .no
                case .invalid, .keyReused: .usage
                case .unavailable: .unknown
                }
            }()
    }

    init(_ failure: StateFailure) {
        let kind: Kind =
            switch failure.reason {
            case .notFound: .notFound
            case .invalid, .expiresTooSoon, .noSigningKey: .invalid
            case .alreadyRevoked, .repeated: .conflict
            case .keyReused: .keyReused
            case .tooMany, .tooManyKeys: .full
            case .keyMissing, .keyReadable, .keyMalformed, .keyOfAnother, .busy, .diskFull, .tooNew, .damaged, .failed:
                .unavailable
            }
        self.init(kind, field: failure.field, failure.description)
    }

    init(_ failure: ProgramFailure) {
        self.init(failure.code == .usage ? .invalid : .unavailable, failure.text, code: failure.code)
    }

    init(_ failure: SelectionFailure) {
        self.init(
            .invalid, field: failure.field.map { "config.\($0)" } ?? "config",
            failure.description + (failure.hint.map { " (\($0))" } ?? ""))
    }
}

extension SelectionFailure {
    fileprivate var field: String? {
        switch self {
        case .empty(let field), .tooMany(let field), .notLowerCase(let field, _), .malformed(let field, _),
            .unknown(let field, _, _):
            field.rawValue
        case .clientPrefix: Field.tools.rawValue
        case .matchesNothing: nil
        }
    }
}

/// Asks the records for somebody who wants a change.
func changing<Result: ~Copyable>(_ body: () throws(StateFailure) -> Result) throws(ChangeRefusal) -> Result {
    do throws(StateFailure) { return try body() } catch { throw ChangeRefusal(error) }
}

/// Makes a change for a command, and puts a refusal into words.
func deciding<Result: ~Copyable>(_ body: () throws(ChangeRefusal) -> Result) throws(ProgramFailure) -> Result {
    do throws(ChangeRefusal) { return try body() } catch { throw ProgramFailure(error.text, code: error.code) }
}
