internal import COpenSSL

/// SHA-256 (FIPS 180-4) of bytes that are all here.
public enum SHA256 {
    /// The length of a hash in bytes.
    public static let byteCount = 32

    /// The hash of `bytes`, 32 bytes.
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        hash(bytes.span)
    }

    /// The hash of `bytes`, 32 bytes.
    public static func hash(_ bytes: Span<UInt8>) -> [UInt8] {
        unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe written(byteCount) { output in
                let worked = unsafe EVP_Digest(
                    bytes.baseAddress, bytes.count, output, nil, DigestMethod.sha256.raw, nil)
                guard worked == 1 else { stop("EVP_Digest") }
            }
        }
    }
}

/// SHA-256 of bytes that come in pieces. One context of OpenSSL's, used again for each message.
///
/// Belongs to one task at a time, as its being noncopyable says.
public struct SHA256Stream: ~Copyable, Sendable {
    private let context: DigestContext

    /// An empty message.
    public init() {
        context = DigestContext()
        context.begin()
    }

    /// Adds `bytes` to the message.
    public mutating func update(_ bytes: Span<UInt8>) {
        context.add(bytes)
    }

    /// Adds `bytes` to the message.
    public mutating func update(_ bytes: [UInt8]) {
        context.add(bytes)
    }

    /// The hash of what was added, 32 bytes; the next message starts empty.
    public mutating func finish() -> [UInt8] {
        let hash = context.finish()
        context.begin()
        return hash
    }

    /// The hash of what was added so far; the message goes on.
    public func hashSoFar() -> [UInt8] {
        let copy = DigestContext()
        copy.become(context)
        return copy.finish()
    }
}

/// The fetched implementation of SHA-256, never freed: fetching costs more than hashing a line of the audit trail.
@safe struct DigestMethod: @unchecked Sendable {
    static let sha256 = DigestMethod("SHA256")

    let raw: OpaquePointer

    private init(_ name: String) {
        guard let raw = unsafe EVP_MD_fetch(nil, name, nil) else { stop("EVP_MD_fetch") }
        unsafe self.raw = raw
    }
}

/// Owns one `EVP_MD_CTX`, freed when this value dies.
///
/// Sending it is safe because nothing but the owner reaches it; sharing it read-only (`become`) only copies from it.
@safe struct DigestContext: ~Copyable, @unchecked Sendable {
    private let raw: OpaquePointer

    init() {
        guard let raw = unsafe EVP_MD_CTX_new() else { stop("EVP_MD_CTX_new") }
        unsafe self.raw = raw
    }

    deinit {
        unsafe EVP_MD_CTX_free(raw)
    }

    func begin() {
        guard unsafe EVP_DigestInit_ex2(raw, DigestMethod.sha256.raw, nil) == 1 else { stop("EVP_DigestInit_ex2") }
    }

    func become(_ other: borrowing DigestContext) {
        guard unsafe EVP_MD_CTX_copy_ex(raw, other.raw) == 1 else { stop("EVP_MD_CTX_copy_ex") }
    }

    func add(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { bytes in
            guard unsafe EVP_DigestUpdate(raw, bytes.baseAddress, bytes.count) == 1 else { stop("EVP_DigestUpdate") }
        }
    }

    func add(_ bytes: [UInt8]) {
        guard unsafe EVP_DigestUpdate(raw, bytes, bytes.count) == 1 else { stop("EVP_DigestUpdate") }
    }

    func finish() -> [UInt8] {
        unsafe written(SHA256.byteCount) { output in
            guard unsafe EVP_DigestFinal_ex(raw, output, nil) == 1 else { stop("EVP_DigestFinal_ex") }
        }
    }
}

/// The `count` bytes that `write` has written, all of them.
///
/// Not by `Array(unsafeUninitializedCapacity:)`: for a hash, that spends more on finding out what an array is than on the bytes.
func written(_ count: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Void) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(addingCapacity: count) { (space: inout OutputSpan<UInt8>) in
        unsafe space.withUnsafeMutableBufferPointer { memory, filled in
            guard let start = memory.baseAddress else { return }
            unsafe write(start)
            filled = count
        }
    }
    return bytes
}

/// SHA-256 of bytes in memory fails only when memory is gone or OpenSSL's default provider is missing. Neither leaves a
/// program that can keep its promises, so it ends here rather than go on with a wrong hash.
func stop(_ call: StaticString) -> Never {
    fatalError("OpenSSL cannot compute a digest: \(call) failed")
}
