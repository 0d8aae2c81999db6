import Bytes
import Commands
import Configuration
import Identity
import System

/// The records of endpoints and tokens, opened by a command while a proxy may run.
struct OpenState {
    let store: StateStore
    let loaded: LoadedConfiguration

    /// Loads the configuration, makes keys and database when this is the first start, and opens them.
    init(configuration path: String) throws(ProgramFailure) {
        loaded = try LoadedConfiguration.loadOrReport(path)
        try KeyMaker(loaded.configuration).makeMissing()
        store = try OpenState.open(loaded.configuration)
    }

    static func open(_ configuration: Configuration) throws(ProgramFailure) -> StateStore {
        try attempting("the database's folder can't be made") { () throws(SystemFailure) in
            try Files.makeFolders(folder(of: configuration.state), permissions: 0o700)
        }
        return try asking { () throws(StateFailure) in try StateStore(configuration.stateSettings) }
    }

    /// How the records are changed.
    var changes: RecordChanges { RecordChanges(store: store, upstreams: loaded.upstreams) }

    /// The upstream of that name.
    func upstream(_ name: String) throws(ProgramFailure) -> LoadedUpstream {
        try deciding { () throws(ChangeRefusal) in try changes.upstream(ByteString(name)) }
    }

    /// The endpoint that an id, or the unambiguous beginning of one, means.
    func endpoint(_ text: String) throws(ProgramFailure) -> Endpoint {
        let all = try asking { () throws(StateFailure) in try store.endpoints() }
        return try onlyOne(all.filter { $0.id.description.hasPrefix(text.lowercased()) }, text, "endpoint")
    }

    /// The API token that an id, or the unambiguous beginning of one, means.
    func token(_ text: String) throws(ProgramFailure) -> APIToken {
        let all = try asking { () throws(StateFailure) in try store.apiTokens() }
        return try onlyOne(all.filter { $0.id.description.hasPrefix(text.lowercased()) }, text, "API token")
    }

    /// The admin token that an id, or the unambiguous beginning of one, means.
    func adminToken(_ text: String) throws(ProgramFailure) -> AdminToken {
        let all = try asking { () throws(StateFailure) in try store.adminTokens() }
        return try onlyOne(all.filter { $0.id.description.hasPrefix(text.lowercased()) }, text, "admin token")
    }

    private func onlyOne<Record>(_ found: [Record], _ text: String, _ what: String) throws(ProgramFailure) -> Record {
        guard text.utf8.count >= 4 else { throw ProgramFailure("`\(text)` is too short for an id", code: .usage) }
        guard let first = found.first else { throw ProgramFailure("there is no \(what) `\(text)`", code: .no) }
        if found.count > 1 { throw ProgramFailure("\(found.count) ids begin with `\(text)`", code: .usage) }
        return first
    }

    /// Waits until every running proxy knows of a change, and says so when one doesn't within 5 s.
    func settle(_ number: Int64) -> ExitCode {
        do throws(StateFailure) {
            let behind = try store.waitUntilApplied(number, within: .seconds(5))
            if behind.isEmpty { return .yes }
            Console.complain(
                "it is stored, but a running proxy (process \(behind[0].process)) hasn't applied it within 5 s")
        } catch {
            Console.complain("it is stored, but whether a running proxy applied it can't be told: \(error)")
        }
        return .warnings
    }

    /// Who is typing, for the records.
    static var person: ByteString {
        ByteString(CurrentProcess.environment("SUDO_USER") ?? CurrentProcess.environment("USER") ?? "cli")
    }
}

extension Configuration {
    /// Where the records are.
    var stateSettings: StateSettings {
        StateSettings(
            database: state, tokenKey: tokens.hmacKey, signingKey: tokens.signingKey,
            publicURL: ByteString(publicURL.description))
    }
}

/// Asks the records, and puts a failure into words.
func asking<Result: ~Copyable>(_ body: () throws(StateFailure) -> Result) throws(ProgramFailure) -> Result {
    do throws(StateFailure) {
        return try body()
    } catch {
        throw ProgramFailure(error.description, code: ChangeRefusal(error).code)
    }
}
