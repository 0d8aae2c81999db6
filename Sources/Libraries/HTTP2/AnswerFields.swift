internal import CNGHTTP2

/// The fields of an answer, in one buffer, on their way to nghttp2.
public struct AnswerFields: Sendable {
    private var bytes: [UInt8] = []
    private var fields: [(nameCount: Int, valueCount: Int, isSecret: Bool)] = []

    /// No fields.
    public init() {}

    /// Adds a field; the name in lower case.
    public mutating func add(_ name: String, _ value: String) {
        add(Array(name.utf8), Array(value.utf8))
    }

    /// Adds a field; the name in lower case, both without control bytes.
    ///
    /// - Parameter isSecret: never compressed against others, so that its length tells nothing (RFC 7541 section 7.1).
    public mutating func add(_ name: [UInt8], _ value: [UInt8], isSecret: Bool = false) {
        bytes += name
        bytes += value
        fields.append((name.count, value.count, isSecret))
    }

    /// Lends the fields in nghttp2's form, which copies them.
    func withPairs<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var pairs: [nghttp2_nv] = unsafe []
            unsafe pairs.reserveCapacity(fields.count)
            var start = unsafe UnsafeMutablePointer(mutating: buffer.baseAddress)
            for field in fields {
                let value = unsafe start.map { unsafe $0 + field.nameCount }
                let flags = field.isSecret ? UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue) : 0
                unsafe pairs.append(
                    nghttp2_nv(
                        name: start, value: value, namelen: field.nameCount, valuelen: field.valueCount, flags: flags))
                unsafe start = value.map { unsafe $0 + field.valueCount }
            }
            return unsafe pairs.withUnsafeBufferPointer { unsafe body($0.baseAddress, $0.count) }
        }
    }
}

/// What a stream still has to send.
struct Outbox: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0
    /// Nothing follows.
    var isEnded = false

    /// How many bytes wait.
    var count: Int { bytes.count - start }

    mutating func put(_ more: [UInt8]) {
        if count == 0 {
            bytes = more
            start = 0
        } else {
            bytes += more
        }
    }

    /// Moves bytes out; keeps no memory when none are left.
    mutating func take(into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let taken = min(buffer.count, count)
        guard taken > 0 else { return 0 }
        unsafe bytes.withUnsafeBufferPointer { source in
            _ = unsafe buffer.update(fromContentsOf: source[start..<start + taken])
        }
        start += taken
        if count == 0 {
            bytes = []
            start = 0
        }
        return taken
    }
}
