import Bridge
import Bytes
import Commands
import HTTP
import HTTPClient
import OpenSSL
import Reactor
import Synchronization
import System
import Telemetry

/// Joins a client that only starts programs to a server that is reached over HTTP.
struct Connect: Command {
    static let form = CommandForm(
        ["connect"], summary: "Join a client that only starts programs (stdio) to an MCP server's URL",
        discussion: """
            Messages come and go on standard input and output, one a line; what goes wrong is said on standard error. It ends,
            and ends its session, when standard input does, and at SIGTERM and SIGINT. The certificate is always verified;
            HTTPS_PROXY and NO_PROXY are heeded. Whoever sees this machine's processes sees a URL in their command lines:
            with `--url-file` it stands in none.
            """,
        operands: [Operand("URL", "the server's; left out with `--url-file`", isOptional: true)],
        options: [
            .value("url-file", "FILE", "a file that holds the URL", completion: .files),
            .value("header", "NAME:VALUE", "a field to send with every request", repeats: true),
            .value(
                "token-file", "FILE",
                "a file with the token to send as `Authorization: Bearer`; read again when it changes",
                completion: .files),
            .value("ca", "FILE", "authorities to trust instead of the system's, PEM", completion: .files),
        ],
        examples: [
            "komainu connect https://mcp.example.com/mcp/TOKEN", "komainu connect --url-file url --token-file token",
        ])

    private let url: String?
    private let urlFile: String?
    private let authorities: String?
    private let credential: CredentialSource
    private let fields: HeaderFields

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        url = arguments.operand(0)
        urlFile = arguments.value("url-file")
        if (url == nil) == (urlFile == nil) { arguments.mistake("a URL is needed, or `--url-file`, and not both") }
        authorities = arguments.value("ca")
        let headers = RequestHeaders(&arguments)
        fields = headers.fields
        let file = arguments.value("token-file")
        if file != nil, headers.bearer != nil {
            arguments.mistake("`--token-file` and `--header Authorization` contradict each other")
        }
        credential = file.map { .bearerFile($0) } ?? headers.bearer.map { token in .bearer { token } } ?? .none
        try arguments.finish()
    }

    func run() -> ExitCode {
        CurrentProcess.keepMemoryPrivate()
        return reporting { () throws(ProgramFailure) in
            Log.level = .error
            let joint = try attempting("the process can't be prepared") { () throws(SystemFailure) in try Joint() }
            let server = try upstream(joint)
            guard server.hasCredential else { throw ProgramFailure("the token can't be read") }
            var settings = BridgeSettings()
            settings.fields = fields
            try attempting("the process can't be prepared") { () throws(SystemFailure) in
                try joint.run(server, settings)
            }
            return .yes
        }
    }

    private func upstream(_ joint: Joint) throws(ProgramFailure) -> UpstreamServer {
        var settings = UpstreamSettings(url: try address())
        if let authorities { settings.authorities = .only(try contents(of: authorities)) }
        settings.credential = credential
        settings.proxy = ProxySettings.fromEnvironment()
        // As many as there may be requests, and some for streams.
        settings.pool.connections = 320
        do throws(OpenSSLFailure) {
            return try UpstreamServer(settings, resolver: joint.resolver, files: joint.files)
        } catch {
            throw ProgramFailure("the authorities can't be used: \(error)")
        }
    }

    private func address() throws(ProgramFailure) -> UpstreamURL {
        var text = url ?? ""
        if let urlFile {
            let lines = String(decoding: try contents(of: urlFile), as: UTF8.self).split(whereSeparator: \.isNewline)
            guard lines.count == 1 else { throw ProgramFailure("`\(urlFile)` must hold one URL", code: .usage) }
            text = String(lines[0])
        }
        do throws(UpstreamURL.Mistake) {
            return try UpstreamURL(text)
        } catch {
            // It may be a capability, so it isn't shown.
            throw ProgramFailure("the URL can't be used: \(words(error))", code: .usage)
        }
    }

    private func words(_ mistake: UpstreamURL.Mistake) -> String {
        switch mistake {
        case .scheme: "it begins neither with https:// nor with http://"
        case .insecure: "http:// is for this machine only"
        case .userInfo: "it holds a user and password; use `--header` or `--token-file`"
        case .host: "its host is none"
        case .port: "its port is none"
        case .path: "its path holds a fragment, white space or other characters that a URL can't have"
        }
    }
}

/// The fields that were asked for on the command line. A mistake names the field, never its value.
private struct RequestHeaders {
    var fields = HeaderFields()
    var bearer: Secret<[UInt8]>?

    private static let ours = [
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "keep-alive",
        "te", "trailer", "upgrade", "expect", "accept", "accept-encoding", "cookie", "last-event-id",
        "proxy-authorization", "proxy-connection", "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name",
    ]

    init(_ arguments: inout Arguments) {
        for text in arguments.all("header") {
            guard let colon = text.firstIndex(of: ":") else {
                arguments.mistake("a `--header` has no colon between its name and its value")
                continue
            }
            let name = String(text[..<colon])
            let value = text[text.index(after: colon)...].trimmed
            let lowered = ByteString(name).asciiLowercased
            if lowered == "authorization" {
                take(credential: value, &arguments)
            } else if RequestHeaders.ours.contains(where: { ByteString($0) == lowered })
                || lowered.hasPrefix("mcp-param-")
            {
                arguments.mistake("`--header \(Console.printable(name))` is this program's own to send")
            } else if !fields.add(name: name, value: value) {
                arguments.mistake("`--header \(Console.printable(name))` is no field that HTTP can carry")
            }
        }
    }

    private mutating func take(credential value: String, _ arguments: inout Arguments) {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, ByteString(String(parts[0])).asciiLowercased == "bearer" else {
            return arguments.mistake("`--header Authorization` must hold `Bearer` and a token")
        }
        bearer = Secret(Array(parts[1].utf8))
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var rest = self
        while rest.first == " " || rest.first == "\t" { rest = rest.dropFirst() }
        while rest.last == " " || rest.last == "\t" { rest = rest.dropLast() }
        return String(rest)
    }
}
