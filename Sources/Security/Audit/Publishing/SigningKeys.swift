import Bytes
import OpenSSL
import System
import TransparencyLog

/// The private keys that sign a log's checkpoints, each in a file of its own, readable by its owner alone.
///
/// Whoever reads one can sign another history of the log. What is anchored, witnessed or kept elsewhere then shows the fork.
protocol SigningKeys {
    /// Makes a fresh key and keeps it, before anything names it.
    func make() throws(AuditFailure) -> NoteSigner
    /// The private half of a key.
    func signer(for key: NoteKey) throws(AuditFailure) -> NoteSigner
}

/// Key files in the folder of the log's keys: `checkpoint-<key id>.key`, PKCS #8 in PEM.
struct SigningKeyFolder: SigningKeys {
    let directory: String
    let origin: String

    func make() throws(AuditFailure) -> NoteSigner {
        do throws(OpenSSLFailure) {
            let fresh = try SigningKey.ed25519()
            let pem = try fresh.pem()
            guard let signer = NoteSigner(name: ByteString(origin), fresh) else {
                throw OpenSSLFailure(call: "the log's name cannot name a key")
            }
            do throws(SystemFailure) { try Files.replace(path(of: signer.key), with: pem, permissions: 0o400) } catch {
                throw OpenSSLFailure(call: error.description)
            }
            return signer
        } catch {
            throw .signingKey("none can be made: \(error)")
        }
    }

    func signer(for key: NoteKey) throws(AuditFailure) -> NoteSigner {
        let path = path(of: key)
        let content: [UInt8]
        do throws(SystemFailure) {
            guard try Files.status(path).permissions & 0o077 == 0 else {
                throw SystemFailure(call: "others than its owner may read the key (chmod 400)", errno: 1, path: path)
            }
            content = try Files.read(path, limit: 16 << 10) ?? []
        } catch {
            throw .signingKey(
                error.isNotFound
                    ? "`\(path)` is missing: restore it; the log has signed with it" : error.description)
        }
        guard let signing = try? SigningKey(pem: content),
            let signer = NoteSigner(name: ByteString(origin), signing), signer.key == key
        else { throw .signingKey("`\(path)` does not hold the key that `\(LogDescription.path)` names") }
        return signer
    }

    private func path(of key: NoteKey) -> String { "\(directory)/checkpoint-\(Hex.encode(key.keyID)).key" }
}
