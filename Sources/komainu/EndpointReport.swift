import Bytes
import Configuration
import Identity
import JSON
import System

/// Endpoints as commands tell them.
struct EndpointReport {
    let configuration: Configuration

    /// An endpoint as JSON; with its secret only when it was just made.
    func write(_ endpoint: Endpoint, secret: ByteString? = nil, _ writer: inout JSONWriter) {
        endpoint.encode(into: &writer, secret: secret.map { ($0, ByteString(url($0))) })
    }

    /// The whole URL with its capability.
    func url(_ secret: ByteString) -> String { "\(configuration.publicURL.origin)/mcp/\(secret.text)" }

    /// An endpoint that was just made or rotated, with what people paste into their clients.
    func tellIssued(_ endpoint: Endpoint, _ secret: ByteString) {
        Console.line("endpoint \(endpoint.id)  \(endpoint.name.text), \(EndpointReport.summary(endpoint))")
        Console.line("")
        Console.line(
            "its URL, shown this once; whoever has it is let in" + (needsToken(endpoint) ? " with an API token" : ""))
        Console.line("  \(url(secret))")
        Console.line("")
        if needsToken(endpoint) {
            Console.line("its API tokens: komainu token create --endpoint \(endpoint.id) --subject WHO")
            Console.line("")
        }
        Console.write(settings(endpoint, url: url(secret)).text)
    }

    /// What starts `komainu connect` for an endpoint whose token isn't known any more.
    func desktopSettings(_ endpoint: Endpoint) -> String { settings(endpoint, url: url("ENDPOINT-TOKEN")).desktop }

    private func settings(_ endpoint: Endpoint, url: String) -> ClientSettings {
        ClientSettings(
            name: endpoint.upstream.text, url: url, bearer: needsToken(endpoint) ? "TOKEN" : nil,
            authority: configuration.ownAuthority, isPublic: !configuration.publicURL.isLoopback)
    }

    private func needsToken(_ endpoint: Endpoint) -> Bool { endpoint.config.requireAPITokenAuth }

    /// What it leaves and when it ends, on one line.
    static func summary(_ endpoint: Endpoint) -> String {
        var parts = ["upstream \(endpoint.upstream.text)"]
        for (name, values) in [
            ("methods", endpoint.config.methods), ("tags", endpoint.config.tags), ("tools", endpoint.config.tools),
        ] {
            if let values { parts.append("\(name) \(values.map(\.text).joined(separator: ","))") }
        }
        if let policy = endpoint.config.policy { parts.append("policy \(policy.text)") }
        if endpoint.config.requireAPITokenAuth { parts.append("API token required") }
        parts.append(endpoint.expiresAt.map { "until \($0)" } ?? "without end")
        return parts.joined(separator: ", ")
    }
}

extension Configuration {
    /// The authority of `certificate create`, when the server's certificate lies beside it: clients must be told to trust it.
    var ownAuthority: String? {
        guard let tls, tls.certificate.hasSuffix("/server.pem") || tls.certificate == "server.pem" else { return nil }
        let path = CertificateFolder(path: folder(of: tls.certificate)).authority
        guard Files.exists(path) else { return nil }
        let whole = path.hasPrefix("/") ? path : CurrentProcess.environment("PWD").map { "\($0)/\(path)" } ?? path
        return shortened(whole)
    }

    /// The path without `NAME/..`, for people who paste it; the path itself where a symbolic link makes that another file.
    private func shortened(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
        }
        let short = (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
        guard let one = try? Files.status(path), let other = try? Files.status(short) else { return path }
        return one.device == other.device && one.inode == other.inode ? short : path
    }
}
