import Configuration
import Identity
import System
import YAML

/// What can be found out on this machine, by looking only.
struct HouseVisit {
    private let loaded: LoadedConfiguration
    private var configuration: Configuration { loaded.configuration }

    init(_ loaded: LoadedConfiguration) {
        self.loaded = loaded
    }

    var findings: [Finding] {
        loaded.warnings.map { Finding(.doubtful, "configuration", $0.description) }
            + certificates + keys + [database, trail, room]
    }

    private var certificates: [Finding] {
        [configuration.tls, configuration.admin?.tls].compactMap { $0 }.map { files in
            finding("certificate", "\(files.certificate) and its key belong together") { () throws(ProgramFailure) in
                _ = try serverContext(files)
            }
        }
    }

    private var keys: [Finding] {
        let files = [configuration.tokens.hmacKey, configuration.tokens.signingKey, configuration.redactionKey]
        let missing = files.filter { !Files.exists($0) }
        if missing.count == files.count, !Files.exists(configuration.state) {
            return [Finding(.good, "keys", "none yet; the first start makes them")]
        }
        return files.map { path in
            finding("key", "\(path) is its owner's alone") { () throws(ProgramFailure) in
                try asking { () throws(StateFailure) in _ = try KeyFile.read(path) }
            }
        }
    }

    private var database: Finding {
        guard Files.exists(configuration.state) else {
            return Finding(.good, "database", "none yet; the first start makes it")
        }
        do throws(StateFailure) {
            let store = try StateStore(configuration.stateSettings)
            let (endpoints, tokens) = (try store.endpoints().count, try store.apiTokens().count)
            let proxies = try store.watchers().count
            return Finding(
                .good, "database",
                "\(configuration.state): endpoints \(endpoints), API tokens \(tokens); "
                    + (proxies == 0 ? "no proxy runs" : "running proxies \(proxies)"))
        } catch {
            return Finding(.wrong, "database", error.description)
        }
    }

    private var trail: Finding {
        let directory = configuration.audit.directory
        guard Files.exists(directory) else {
            return Finding(.good, "audit trail", "none yet; the first start makes it")
        }
        do throws(SystemFailure) {
            let status = try Files.status(directory)
            guard status.kind == .folder else { return Finding(.wrong, "audit trail", "\(directory) isn't a folder") }
            // Making and removing a file is the only honest test of a folder's permissions.
            let probe = "\(directory)/.doctor"
            _ = try File(probe, .readAndWriteCreating(permissions: 0o600))
            try Files.remove(probe)
            if status.permissions & 0o002 != 0 {
                return Finding(.doubtful, "audit trail", "everybody on this machine can write \(directory)")
            }
            return Finding(.good, "audit trail", "\(directory) can be written; `komainu audit verify` checks it")
        } catch {
            return Finding(.wrong, "audit trail", "\(directory) can't be written: \(error)")
        }
    }

    /// The trail keeps room for two segments; without it nothing is forwarded.
    private var room: Finding {
        var path = configuration.audit.directory
        while !Files.exists(path), path != folder(of: path) { path = folder(of: path) }
        let needed = Int64(configuration.audit.segmentBytes) * 2
        do throws(SystemFailure) {
            let free = try Files.freeBytes(at: path)
            let text = "\(free >> 20) MiB free for the trail"
            if free < needed { return Finding(.wrong, "disk", "\(text); it needs \(needed >> 20) MiB at least") }
            return Finding(free < needed * 10 ? .doubtful : .good, "disk", text)
        } catch {
            return Finding(.wrong, "disk", "\(error)")
        }
    }

    private func finding(_ what: String, _ good: String, _ check: () throws(ProgramFailure) -> Void) -> Finding {
        do throws(ProgramFailure) {
            try check()
            return Finding(.good, what, good)
        } catch {
            return Finding(.wrong, what, error.text)
        }
    }
}
