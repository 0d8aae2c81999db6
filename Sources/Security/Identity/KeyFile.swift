internal import Bytes
internal import OpenSSL
internal import System

/// A file that holds one secret key: 64 hexadecimal digits, or 32 to 64 raw bytes. Readable by its owner alone.
public enum KeyFile {
    /// Makes a file with a fresh key of 32 bytes, unless there is one already. To be called on the operator's word only:
    /// a server that made a missing key by itself would forget every token because of a wrong path.
    ///
    /// - Returns: whether it was made.
    @discardableResult
    public static func create(_ path: String) throws(StateFailure) -> Bool {
        guard !Files.exists(path) else { return false }
        let key: [UInt8]
        do throws(OpenSSLFailure) { key = try Random.bytes(32) } catch { throw StateFailure(error) }
        do throws(SystemFailure) {
            try Files.replace(path, with: [UInt8](Hex.encode(key).utf8) + [10], permissions: 0o600)
        } catch {
            throw StateFailure(error)
        }
        return true
    }

    /// The key in a file.
    public static func read(_ path: String) throws(StateFailure) -> [UInt8] {
        let status: FileStatus
        let content: [UInt8]?
        do throws(SystemFailure) {
            status = try Files.status(path)
            content = try Files.read(path, limit: 4096)
        } catch {
            throw StateFailure(error.isNotFound ? .keyMissing : .failed, error.description)
        }
        guard status.permissions & 0o077 == 0 else {
            throw StateFailure(.keyReadable, "\(path) can be read or changed by others than its owner: chmod 600")
        }
        guard let key = key(in: content ?? []) else {
            throw StateFailure(.keyMalformed, "\(path) holds no key: 64 hexadecimal digits, or 32 to 64 raw bytes")
        }
        return key
    }

    /// What a file with public keys holds, which anybody may read.
    static func readPublic(_ path: String) throws(StateFailure) -> [UInt8] {
        do throws(SystemFailure) {
            if let content = try Files.read(path, limit: 256 * 1024) { return content }
        } catch {
            throw StateFailure(error.isNotFound ? .keyMissing : .failed, error.description)
        }
        throw StateFailure(.keyMalformed, "\(path) is longer than 256 KiB")
    }

    private static func key(in content: [UInt8]) -> [UInt8]? {
        var text = content[...]
        while let last = text.last, last == 10 || last == 13 || last == 32 { text = text.dropLast() }
        if text.count == 64, let key = Hex.decode(ByteString(text).asciiLowercased) { return key }
        return (32...64).contains(content.count) ? content : nil
    }
}
