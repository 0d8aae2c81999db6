public import Bytes
import OpenSSL
import Synchronization
import System

/// The name of one proxied request: a ULID, 26 characters of Crockford's base 32, whose first ten are the time.
///
/// Sorting them sorts by the millisecond they were made in. 80 bits are random: nobody can guess another's.
public struct CallID: Hashable, Sendable, CustomStringConvertible {
    /// The 26 characters.
    public let text: ByteString

    /// A fresh one.
    public static func make() throws(AuditFailure) -> CallID {
        do throws(OpenSSLFailure) {
            let random = try store.withLock { store throws(OpenSSLFailure) in try store.take() }
            return CallID(milliseconds: UInt64(max(WallTime.now.nanoseconds, 0)) / 1_000_000, random: random)
        } catch {
            throw .random(error.description)
        }
    }

    /// Random bytes for the next ids: a call to OpenSSL's generator for many costs hardly more than one for one. Nothing is
    /// kept secret by an id, so that bytes may lie here for a while.
    private struct Store {
        static let idBytes = 10
        private var bytes: [UInt8] = []
        private var used = 0

        mutating func take() throws(OpenSSLFailure) -> ArraySlice<UInt8> {
            if used == bytes.count {
                bytes = try Random.bytes(Store.idBytes * 200)
                used = 0
            }
            used += Store.idBytes
            return bytes[used - Store.idBytes..<used]
        }
    }

    private static let store = Mutex(Store())

    /// Reads one; nil unless it has exactly the form that `make` gives.
    public init?(_ text: ByteString) {
        guard text.count == 26, text.bytes[0] <= UInt8(ascii: "7"),
            text.bytes.allSatisfy({ CallID.alphabet.contains($0) })
        else { return nil }
        self.text = text
    }

    init(milliseconds: UInt64, random: some Sequence<UInt8>) {
        var characters: [UInt8] = []
        characters.reserveCapacity(26)
        for position in (0..<10).reversed() {
            characters.append(CallID.alphabet[Int(milliseconds >> UInt64(position * 5)) & 31])
        }
        var bits: UInt32 = 0
        var held: UInt32 = 0
        for byte in random {
            bits = bits << 8 | UInt32(byte)
            held += 8
            while held >= 5 {
                held -= 5
                characters.append(CallID.alphabet[Int(bits >> held) & 31])
            }
        }
        text = ByteString(characters)
    }

    /// The 26 characters, for people.
    public var description: String { text.text }

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
}
