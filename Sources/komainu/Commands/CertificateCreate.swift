import Commands
import JSON

/// Makes a server certificate, and an authority to sign it when there is none.
struct CertificateCreate: Command {
    static let form = CommandForm(
        ["certificate", "create"], summary: "Make a server certificate, and an authority that signs it",
        discussion: """
            Writes ca.pem, ca.key, server.pem and server.key. An authority that is already there is kept, so clients that
            trust it need no change. Clients must be told to trust ca.pem; a public server wants a public authority.
            """,
        options: [
            .value("directory", "DIR", "where to write them; certs when left out", completion: .directories),
            .value(
                "host", "NAME", "a name or IP address of the server; localhost, 127.0.0.1 and ::1 when left out",
                repeats: true),
            .value("days", "N", "how long the server certificate is valid; 397 when left out"),
            .flag("renew", "replace a server certificate that is already there"),
            CommonArguments.json,
        ],
        examples: ["komainu certificate create --host mcp.example.com --host 10.0.0.5"])

    private let folder: CertificateFolder
    private let hosts: [String]
    private let days: Int
    private let renews: Bool
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        folder = CertificateFolder(path: arguments.value("directory") ?? "certs")
        hosts = arguments.list("host") ?? ["localhost", "127.0.0.1", "::1"]
        // Browsers and Apple's libraries refuse server certificates that are valid for more than 398 days.
        days = arguments.int("days", in: 1...3650) ?? 397
        renews = arguments.flag("renew")
        asJSON = arguments.flag("json")
        try arguments.finish()
    }

    func run() -> ExitCode {
        if folder.hasServer, !renews {
            Console.complain("\(folder.server) is already there; `--renew` replaces it")
            return .no
        }
        do throws(CertificateFolder.Failure) {
            try folder.make(hosts: hosts, days: days)
        } catch {
            Console.complain("no certificate was made: \(error.text)")
            return .unknown
        }
        if asJSON {
            Console.json { writer in
                writer.beginObject()
                writer.member("authority", folder.authority)
                writer.member("certificate", folder.server)
                writer.member("key", folder.serverKey)
                writer.member("hosts", hosts)
                writer.member("days", days)
                writer.endObject()
            }
        } else {
            Console.line(
                "\(folder.server), \(folder.serverKey): for \(hosts.joined(separator: ", ")), valid for \(days) days")
            Console.line(
                "\(folder.authority): clients must trust it (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, curl --cacert)")
        }
        return .yes
    }
}
