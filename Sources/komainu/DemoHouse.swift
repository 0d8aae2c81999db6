import Bytes
import Commands
import Configuration
import OpenSSL
import Reactor
import SampleTorii
import System

/// What the demonstration needs on disk: certificates, a configuration, a credential. Kept from one time to the next.
struct DemoHouse {
    /// Where everything but the certificates goes.
    let folder: String
    let certificates: CertificateFolder
    let listen: ListenAddress
    let catalog: String
    let policy: String

    var configuration: String { "\(folder)/komainu.yaml" }
    private var token: String { "\(folder)/upstream.token" }
    private var url: String { "\(folder)/upstream.url" }

    /// Makes the folder, and certificates when there are none.
    func prepare() throws(ProgramFailure) {
        for path in [catalog, policy] where !Files.exists(path) {
            throw ProgramFailure("`\(path)` isn't there; run this in Komainu's folder, or name it", code: .usage)
        }
        if !certificates.hasServer {
            do throws(CertificateFolder.Failure) {
                try certificates.make(hosts: ["localhost", "127.0.0.1", "::1"], days: 397)
            } catch {
                throw ProgramFailure("no certificate was made: \(error.text)")
            }
        }
        try attempting("the demonstration's folder can't be made") { () throws(SystemFailure) in
            try Files.makeFolders(folder, permissions: 0o700)
        }
    }

    /// Starts the sample server on a loop of its own, behind a fresh credential, and configures the proxy before it.
    func useSample() throws(ProgramFailure) {
        let secret: String
        do throws(OpenSSLFailure) {
            secret = Hex.encode(try Random.bytes(24))
        } catch {
            throw ProgramFailure("no credential can be made: \(error)")
        }
        var settings = SampleSettings()
        settings.bearer = ByteString(secret)
        let tls = try serverContext(
            CertificateFiles(certificate: certificates.server, key: certificates.serverKey))
        let listener = SampleListener(settings, listen: .loopback(port: 0), tls: tls)
        try attempting("the sample server can't be started") { () throws(SystemFailure) in
            let loop = try EventLoop(name: "sample")
            try loop.start()
            try listener.start(on: loop)
            try Files.replace(token, with: Array(secret.utf8), permissions: 0o600)
        }
        try configure(
            upstream: """
                url: https://localhost:\(listener.port)\(settings.path.text)
                    ca: \(written(certificates.authority))
                    credential: {bearer_file: upstream.token}
                """)
    }

    /// Configures the proxy before a real server. Its URL may hold a secret, so it goes into a file of its own.
    func use(_ address: String) throws(ProgramFailure) {
        try attempting("the demonstration's files can't be written") { () throws(SystemFailure) in
            try Files.replace(url, with: Array(address.utf8), permissions: 0o600)
        }
        let credential =
            CurrentProcess.environment(Demo.tokenVariable) == nil
            ? "" : "\n    credential: {env: \(Demo.tokenVariable)}"
        try configure(upstream: "url_file: upstream.url" + credential)
    }

    private func configure(upstream: String) throws(ProgramFailure) {
        let text = """
            # Made by `komainu demo`, and made anew each time.
            komainu: 1
            listen: "\(listen)"
            public_url: https://\(listen)
            tls: {certificate: \(written(certificates.server)), key: \(written(certificates.serverKey))}
            upstreams:
              - name: torii
                \(upstream)
                catalog: \(written(catalog))
                policy: \(written(policy))
            state: {sqlite: komainu.db}
            tokens: {hmac_key: keys/tokens.hmac, signing_key: keys/tokens.signing}
            redaction: {key_file: keys/redaction.key}
            audit: {directory: audit, keys: keys/audit, origin: demo.komainu.invalid/audit}
            log: {level: warning}

            """
        try attempting("the demonstration's configuration can't be written") { () throws(SystemFailure) in
            try Files.replace(configuration, with: Array(text.utf8), permissions: 0o600)
        }
    }

    /// A path as the configuration must have it, which reads paths relative to itself.
    private func written(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        if folder.hasPrefix("/") { return "\(CurrentProcess.environment("PWD") ?? ".")/\(path)" }
        let depth = folder.split(separator: "/").filter { $0 != "." }.count
        return String(repeating: "../", count: depth) + path
    }
}
