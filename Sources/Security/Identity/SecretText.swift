internal import Bytes
internal import OpenSSL

/// The kinds of secret that we hand out. The beginning tells them apart, and tells secret scanners what they found.
enum SecretKind: String, Sendable {
    case endpoint = "kmn_e_"
    case apiToken = "kmn_t_"
    case adminToken = "kmn_a_"
}

/// The text of a secret: its kind, 256 random bits and four bytes of check, all fit for a URL's path and a header.
///
/// The check is a plain hash: it lets scanners and typing mistakes be told apart from secrets without asking anybody, and
/// protects nothing.
enum SecretText {
    private static let secretCount = 43
    private static let checkCount = 6

    /// A fresh secret.
    static func fresh(_ kind: SecretKind) throws(OpenSSLFailure) -> ByteString {
        let body = kind.rawValue + Base64URL.encode(try Random.bytes(32))
        return ByteString(body + check(of: [UInt8](body.utf8)))
    }

    /// Whether `text` has the form of such a secret.
    static func isWellFormed(_ text: ByteString, _ kind: SecretKind) -> Bool {
        let prefix = [UInt8](kind.rawValue.utf8)
        guard text.count == prefix.count + secretCount + checkCount, text.bytes.starts(with: prefix) else {
            return false
        }
        let body = [UInt8](text.bytes.dropLast(checkCount))
        guard Base64URL.decode(ByteString(body[prefix.count...]))?.count == 32 else { return false }
        return text.bytes.suffix(checkCount).elementsEqual(check(of: body).utf8)
    }

    private static func check(of body: [UInt8]) -> String {
        Base64URL.encode([UInt8](SHA256.hash(body).prefix(4)))
    }
}

/// The key of our own secrets, split for its uses. Never written anywhere but its file.
struct SecretHasher: Sendable {
    private let secrets: HMACSHA256
    private let fingerprints: HMACSHA256
    /// Tells whether a database was made with this key.
    let keyCheck: [UInt8]

    init(key: [UInt8]) {
        func derived(_ purpose: String) -> HMACSHA256 {
            HMACSHA256(key: HKDF.derive(32, from: key, info: [UInt8](purpose.utf8)))
        }
        secrets = derived("komainu secret")
        fingerprints = derived("komainu fingerprint")
        keyCheck = derived("komainu key check").authenticate([UInt8]())
    }

    /// What stands in the database in place of a secret.
    func hash(_ secret: ByteString) -> [UInt8] {
        secrets.authenticate(secret.bytes)
    }

    /// 16 hexadecimal digits for the audit trail.
    func fingerprint(_ credential: ByteString) -> ByteString {
        ByteString(Hex.encode([UInt8](fingerprints.authenticate(credential.bytes).prefix(8))))
    }
}
