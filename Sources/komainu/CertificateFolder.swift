import OpenSSL
import System

/// A folder with an authority of our own and a server certificate it signed, for development and for houses that have no
/// certificate authority.
///
/// Private keys are readable by their owner only. Each file appears whole or not at all; a crash between two of them leaves
/// a certificate without its key, which the next `make` replaces.
struct CertificateFolder {
    let path: String

    var authority: String { "\(path)/ca.pem" }
    var authorityKey: String { "\(path)/ca.key" }
    var server: String { "\(path)/server.pem" }
    var serverKey: String { "\(path)/server.key" }

    /// Why certificates could not be made.
    enum Failure: Error {
        case system(SystemFailure)
        case openSSL(OpenSSLFailure)

        var text: String {
            switch self {
            case .system(let failure): "\(failure)"
            case .openSSL(let failure): "\(failure)"
            }
        }
    }

    var hasServer: Bool { Files.exists(server) && Files.exists(serverKey) }

    /// Makes a server certificate, and the authority when there is none yet.
    func make(hosts: [String], days: Int) throws(Failure) {
        do throws(SystemFailure) {
            try Files.makeFolders(path, permissions: 0o755)
        } catch {
            throw .system(error)
        }
        let signer = try authorityPair()
        let made: CertifiedKey
        do throws(OpenSSLFailure) {
            made = try CertificateMaker.server(names: hosts.map(ServerName.init), days: days, signedBy: signer)
        } catch {
            throw .openSSL(error)
        }
        try write(made, certificate: server, key: serverKey)
    }

    private func authorityPair() throws(Failure) -> CertifiedKey {
        if let certificate = try? Files.read(authority, limit: 1 << 20),
            let key = try? Files.read(authorityKey, limit: 1 << 20)
        {
            return CertifiedKey(certificate: certificate, key: key)
        }
        let made: CertifiedKey
        do throws(OpenSSLFailure) {
            made = try CertificateMaker.authority(named: "Komainu development authority", days: 3650)
        } catch {
            throw .openSSL(error)
        }
        try write(made, certificate: authority, key: authorityKey)
        return made
    }

    private func write(_ pair: CertifiedKey, certificate: String, key: String) throws(Failure) {
        do throws(SystemFailure) {
            try Files.replace(key, with: pair.key, permissions: 0o600)
            try Files.replace(certificate, with: pair.certificate, permissions: 0o644)
        } catch {
            throw .system(error)
        }
    }
}
