import Bytes
import Configuration
import OpenSSL
import System
import Telemetry

/// The keys that Komainu holds for itself, apart from the database.
///
/// Keys are made together with the database and never after it: a key that is missing beside a database is a mistake to be
/// told, because a fresh one would silently make every stored token unknown and every pseudonym another.
struct KeyRing: Sendable {
    /// Under which tokens are stored as HMAC-SHA-256; 32 bytes.
    let tokens: Secret<[UInt8]>
    /// With which Komainu signs the tokens it makes itself.
    let signing: SigningKey
    /// From which pseudonyms are derived; 32 bytes.
    let redaction: Secret<[UInt8]>

    /// Reads the keys, and makes those that are missing when there is no database yet.
    static func open(_ configuration: Configuration) throws(ProgramFailure) -> KeyRing {
        let maker = KeyMaker(configuration)
        if !maker.missing.isEmpty { try maker.make() }
        return KeyRing(
            tokens: try secret(configuration.tokens.hmacKey), signing: try signingKey(configuration.tokens.signingKey),
            redaction: try secret(configuration.redactionKey))
    }

    /// 64 hexadecimal digits, so that the file can be copied and compared by hand.
    private static func secret(_ path: String) throws(ProgramFailure) -> Secret<[UInt8]> {
        var digits = try contents(path)
        if digits.last == UInt8(ascii: "\n") { digits.removeLast() }
        guard let bytes = Hex.decode(ByteString(digits)), bytes.count == KeyMaker.secretBytes else {
            throw ProgramFailure("`\(path)` doesn't hold \(KeyMaker.secretBytes * 2) hexadecimal digits")
        }
        return Secret(bytes)
    }

    private static func signingKey(_ path: String) throws(ProgramFailure) -> SigningKey {
        let pem = try contents(path)
        do throws(OpenSSLFailure) {
            return try SigningKey(pem: pem)
        } catch {
            throw ProgramFailure("`\(path)` isn't a private key in PEM")
        }
    }

    private static func contents(_ path: String) throws(ProgramFailure) -> [UInt8] {
        do throws(SystemFailure) {
            if let bytes = try Files.read(path, limit: 1 << 16) { return bytes }
        } catch {
            throw ProgramFailure("a key can't be read: \(error)")
        }
        throw ProgramFailure("`\(path)` is too large for a key")
    }
}

/// Makes keys at the first start. Each appears whole or not at all; after a crash the rest is made the next time, because
/// the database is only made when all keys are there.
private struct KeyMaker {
    static let secretBytes = 32

    let configuration: Configuration

    init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    private var secrets: [String] { [configuration.tokens.hmacKey, configuration.redactionKey] }

    var missing: [String] { (secrets + [configuration.tokens.signingKey]).filter { !Files.exists($0) } }

    func make() throws(ProgramFailure) {
        let lock = try locked(configuration.tokens.hmacKey + ".lock")
        // Whoever held the lock before us may have made them.
        let missing = missing
        guard missing.isEmpty || !Files.exists(configuration.state) else {
            throw ProgramFailure(
                "`\(missing.joined(separator: "`, `"))` is missing beside the database `\(configuration.state)`; "
                    + "restore it, or remove the database, with which all endpoints and tokens end")
        }
        for path in missing { try make(path) }
        _ = consume lock
    }

    /// Two programs may start at once, the proxy and a command: the lock decides who makes the keys.
    private func locked(_ path: String) throws(ProgramFailure) -> File {
        let lock = try attempting("the keys can't be made") { () throws(SystemFailure) in
            try Files.makeFolders(folder(of: path), permissions: 0o700)
            return try File(path, .readAndWriteCreating(permissions: 0o600))
        }
        let pause = Bell()
        for _ in 0..<200 {
            if try attempting("the keys can't be made", { () throws(SystemFailure) in try lock.tryLock() }) {
                return lock
            }
            pause.wait(until: MonotonicTime.now + .milliseconds(50))
        }
        throw ProgramFailure("`\(path)` has been locked by another program for 10 s")
    }

    private func make(_ path: String) throws(ProgramFailure) {
        let bytes: [UInt8]
        do throws(OpenSSLFailure) {
            bytes =
                secrets.contains(path)
                ? Array((Hex.encode(try Random.bytes(KeyMaker.secretBytes)) + "\n").utf8)
                : try SigningKey.ed25519().pem()
        } catch {
            throw ProgramFailure("a key can't be made: \(error)")
        }
        try attempting("a key can't be written") { () throws(SystemFailure) in
            try Files.makeFolders(folder(of: path), permissions: 0o700)
            try Files.replace(path, with: bytes, permissions: 0o600)
        }
    }
}

/// The folder that a path lies in.
func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
