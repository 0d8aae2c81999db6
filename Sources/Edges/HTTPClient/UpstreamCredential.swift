internal import Bytes
internal import System
public import Telemetry

/// Where the credential comes from that this proxy shows to an upstream. It is never the client's.
public enum CredentialSource: Sendable {
    /// None is sent.
    case none
    /// A file that holds a bearer token; read again when it changes.
    case bearerFile(String)
    /// An environment variable that holds a bearer token; read when the program starts.
    case bearerEnvironment(String)
    /// Whatever this gives at the moment, such as an OAuth access token that is renewed elsewhere. Must not block.
    case bearer(@Sendable () -> Secret<[UInt8]>?)
}

/// The current credential of one upstream. Safe from every thread.
final class UpstreamCredential: Sendable {
    private let source: CredentialSource
    private let kept = Guarded(Kept())

    private struct Kept {
        var token: Secret<[UInt8]>?
        var status: FileStatus?
        var looked = MonotonicTime(nanoseconds: 0)
        var isLooking = false
    }

    init(_ source: CredentialSource) {
        self.source = source
        if case .bearerEnvironment(let name) = source {
            let token = CurrentProcess.environment(name).flatMap { UpstreamCredential.token(Array($0.utf8)) }
            kept.withLock { $0.token = token }
        }
    }

    /// Where it comes from, for messages.
    var name: String {
        switch source {
        case .none: "none"
        case .bearerFile(let path): "file \(path)"
        case .bearerEnvironment(let name): "environment variable \(name)"
        case .bearer: "renewed token"
        }
    }

    var isNeeded: Bool { if case .none = source { false } else { true } }

    /// The token to send now.
    var token: Secret<[UInt8]>? {
        if case .bearer(let current) = source {
            return current().flatMap { UpstreamCredential.token($0.revealed) }
        }
        return kept.withLock { $0.token }
    }

    /// Whether it is time to look at the file again: at most every two seconds, one look at a time. Whoever gets true
    /// must call `look` on a thread that may block.
    func shouldLook(_ now: MonotonicTime) -> Bool {
        guard case .bearerFile = source else { return false }
        return kept.withLock { kept in
            let isDue = kept.looked.nanoseconds == 0 || now - kept.looked >= .seconds(2)
            guard isDue, !kept.isLooking else { return false }
            kept.isLooking = true
            return true
        }
    }

    /// Reads the file if it is another one than before. One that cannot be read or holds no token leaves the earlier token
    /// in use: who rotates a secret may be half-way. Blocks.
    func look() {
        guard case .bearerFile(let path) = source else { return }
        let status = try? Files.status(path)
        let known = kept.withLock { $0.status }
        var fresh: Secret<[UInt8]>?
        if let status, status != known {
            fresh = ((try? Files.read(path, limit: 65_536)) ?? nil).flatMap(UpstreamCredential.token)
            if fresh == nil { Log.warning("upstream credential unusable", ["path": .text(path)]) }
        }
        kept.withLock { kept in
            if let fresh {
                kept.token = fresh
                kept.status = status
            }
            kept.looked = .now
            kept.isLooking = false
        }
    }

    /// A bearer token (RFC 6750 section 2.1), white space around it removed, at most 8 KiB; nil when it is none.
    private static func token(_ bytes: [UInt8]) -> Secret<[UInt8]>? {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        var body = bytes[...]
        while let first = body.first, isSpace(first) { body = body.dropFirst() }
        while let last = body.last, isSpace(last) { body = body.dropLast() }
        guard !body.isEmpty, body.count <= 8_192, body.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return Secret(Array(body))
    }
}
