import Bytes
import Commands
import OpenSSL
import Reactor
import SampleTorii
import System

/// Serves the sample Torii server, for tests. `komainu demo` has one of its own.
struct Sample: Command {
    static let form = CommandForm(
        ["sample"], summary: "Serve a Torii-like MCP server with invented data",
        options: [
            .value("listen", "ADDRESS", "where to listen; 127.0.0.1:9553 when left out"),
            .value("certificate", "FILE", "certificate chain, PEM", isRequired: true, completion: .files),
            .value("key", "FILE", "private key, PEM", isRequired: true, completion: .files),
            .value("credential", "FILE", "what clients must send as their bearer credential", completion: .files),
            .value("page-size", "N", "tools a page; 20 when left out"),
            .flag("stateless", "give no sessions"),
            .flag("handshake-only", "speak no revision without a handshake"),
            .flag("control", "serve /sample/control, where tests see what was received and order faults"),
        ], isHidden: true)

    private let listen: SocketAddress
    private let certificate: String
    private let key: String
    private let credential: String?
    private var settings = SampleSettings()

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        let address = arguments.value("listen") ?? "127.0.0.1:9553"
        let socket = SocketAddress(address)
        if socket == nil { arguments.mistake("`--listen \(address)` is not an address and a port") }
        listen = socket ?? .loopback(port: 9553)
        certificate = arguments.required("certificate")
        key = arguments.required("key")
        credential = arguments.value("credential")
        settings.pageSize = arguments.int("page-size", in: 1...1000) ?? settings.pageSize
        settings.givesSessions = !arguments.flag("stateless")
        settings.speaksStateless = !arguments.flag("handshake-only")
        settings.hasControl = arguments.flag("control")
        try arguments.finish()
    }

    func run() -> ExitCode {
        Signals.ignoreBrokenPipe()
        do {
            var settings = settings
            if let credential {
                settings.bearer = ByteString(
                    String(decoding: try contents(of: credential), as: UTF8.self).filter { !$0.isWhitespace })
            }
            let tls = try ServerContext(
                chain: try contents(of: certificate), key: try contents(of: key), http2: true)
            let listener = SampleListener(settings, listen: listen, tls: tls)
            let loop = try EventLoop(name: "sample")
            let stop = Bell()
            try Signals.listen(for: [.terminate, .interrupt]) { _ in stop.ring() }
            try loop.start()
            try listener.start(on: loop)
            Console.note("the sample server is at https://\(listen.hostText):\(listener.port)\(settings.path.text)")
            stop.wait(until: .now + .seconds(1 << 30))
            return .yes
        } catch {
            Console.complain("the sample server could not start: \(error)")
            return .unknown
        }
    }

    private func contents(of path: String) throws(SystemFailure) -> [UInt8] {
        guard let bytes = try Files.read(path, limit: 1 << 20) else {
            throw SystemFailure(call: "open", errno: 2, path: path)
        }
        return bytes
    }
}
