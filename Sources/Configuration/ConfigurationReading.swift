import System
import YAML

extension Configuration {
    /// The largest configuration file: far more than anybody writes.
    private static let fileLimit = 1 << 20

    /// Reads a file and everything it says, or throws every mistake in it.
    ///
    /// Only the configuration itself is read. That the files it names exist is checked here; what is in them is checked by
    /// the rooms they are for.
    public static func load(_ path: String) throws(ConfigurationFailure) -> Configuration {
        let bytes: [UInt8]?
        do throws(SystemFailure) {
            bytes = try Files.read(path, limit: fileLimit)
        } catch {
            throw unreadable(path, SystemFailure.text(of: error.errno))
        }
        guard let bytes else { throw unreadable(path, "it has more than \(fileLimit) bytes") }
        return try read(bytes, file: path)
    }

    private static func unreadable(_ path: String, _ why: String) -> ConfigurationFailure {
        let message = "the configuration can't be read: \(why)"
        return ConfigurationFailure(problems: [Problem(file: path, line: 1, column: 1, message: message)])
    }

    /// Reads the bytes of a file. Relative paths in it are relative to the folder of `file`.
    public static func read(_ bytes: [UInt8], file: String) throws(ConfigurationFailure) -> Configuration {
        let root: Node
        do throws(Problem) {
            root = try YAML.parse(bytes, file: file)
        } catch {
            throw ConfigurationFailure(problems: [error])
        }
        let reading = ConfigurationReading(file: file)
        guard let configuration = reading.configuration(root), reading.reading.succeeded else {
            throw ConfigurationFailure(problems: reading.reading.problemsInOrder)
        }
        return configuration
    }
}

/// Reads one file's tree. A section that can't be read leaves nil and its mistakes; the rest is read all the same.
struct ConfigurationReading {
    let reading = Reading()
    let file: String
    let paths: PathReading

    init(file: String) {
        self.file = file
        self.paths = PathReading(file: file, reading: reading)
    }

    private static let keys = [
        "komainu", "listen", "public_url", "tls", "admin", "upstreams", "issuers", "tokens", "state", "audit", "limits",
        "timeouts", "threads", "allowed_hosts", "allowed_origins", "redaction", "log",
    ]

    func configuration(_ root: Node) -> Configuration? {
        guard let fields = reading.fields(of: root, "the configuration", ConfigurationReading.keys) else { return nil }
        _ = fields.required("komainu", version)
        let listen = fields.optional("listen", default: [.loopback(port: 8443)], listenAddresses)
        let publicURL = fields.required("public_url", self.publicURL)
        let tls = fields.optional("tls", serverTLS)
        let admin = fields.optional("admin", self.admin)
        let upstreams = fields.required("upstreams", self.upstreams)
        let issuers = fields.optional("issuers", default: [], self.issuers)
        let tokens = tokens(fields["tokens"])
        let state = state(fields["state"])
        let audit = audit(fields["audit"], publicURL: publicURL)
        let limits = fields.optional("limits", default: Limits(), self.limits)
        let timeouts = fields.optional("timeouts", default: Timeouts(), self.timeouts)
        let threads = fields.optional("threads") { reading.int($0, in: 1...256) }
        let hosts = fields.optional("allowed_hosts", default: [], hosts)
        let origins = fields.optional("allowed_origins", default: [], origins)
        let redactionKey = redaction(fields["redaction"])
        let logLevel = fields.optional("log", default: "info", log)
        checkExposure(fields, listen, publicURL)
        guard let publicURL, let upstreams, let tokens, let state, let audit, let redactionKey else { return nil }
        return Configuration(
            file: file, listen: listen, publicURL: publicURL, tls: tls, admin: admin, upstreams: upstreams,
            issuers: issuers, tokens: tokens, state: state, audit: audit, limits: limits, timeouts: timeouts,
            threads: threads, allowedHosts: hosts, allowedOrigins: origins, redactionKey: redactionKey,
            logLevel: logLevel, warnings: reading.problemsInOrder)
    }

    /// The file's own format, so that a later version can tell what an old file meant.
    private func version(_ node: Node) -> Int? {
        guard let version = reading.int(node) else { return nil }
        if version == 1 { return version }
        reading.mistake(node, "this version reads `komainu: 1`, not `\(version)`")
        return nil
    }

    /// Plain HTTP is for this machine only: a bearer token that crosses a network in the clear is everybody's.
    private func checkExposure(_ fields: Fields, _ listen: [ListenAddress], _ publicURL: WebAddress?) {
        guard !fields.has("tls") else { return }
        if let open = listen.first(where: { !$0.isLoopback }) {
            let node = fields["listen"] ?? fields.node
            reading.mistake(
                node, "`\(open)` can be reached by other machines, and there is no `tls`",
                hint:
                    "add `tls: {certificate: …, key: …}` (`komainu certificate create` makes them), or listen on 127.0.0.1"
            )
        }
    }

    private func log(_ node: Node) -> String? {
        reading.fields(of: node, "the log", ["level"])?.optional("level", default: "info") { level in
            reading.choice(
                level,
                ["debug": "debug", "info": "info", "notice": "notice", "warning": "warning", "error": "error"])
        }
    }
}
