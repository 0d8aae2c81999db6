internal import COpenSSL

/// A call of OpenSSL that failed, with the reasons that OpenSSL gave.
///
/// The reasons are OpenSSL's own texts (library and reason, such as "certificate verify failed"); they never hold keys or
/// the bytes of a peer.
public struct OpenSSLFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The C function that failed, or the step of ours.
    public let call: String
    /// What OpenSSL's error queue held, oldest first; empty when it gave no reason. At most 16.
    public let reasons: [String]

    /// Makes a failure of a step that OpenSSL itself had nothing to say about.
    public init(call: String, reasons: [String] = []) {
        self.call = call
        self.reasons = reasons
    }

    /// For people and logs.
    public var description: String {
        reasons.isEmpty ? call : "\(call): \(reasons.joined(separator: "; "))"
    }
}

/// Runs one OpenSSL call. Not async on purpose: the error queue belongs to the thread, and a thread is lost at `await`.
@inline(__always)
func attempt(_ call: StaticString, _ succeeds: () -> Bool) throws(OpenSSLFailure) {
    ERR_clear_error()
    guard !succeeds() else { return }
    throw OpenSSLFailure(call: "\(call)", reasons: drainedReasons())
}

/// Runs one OpenSSL call that answers with something new, such as a pointer, and nothing on failure.
@inline(__always)
func made<Value>(_ call: StaticString, _ make: () -> Value?) throws(OpenSSLFailure) -> Value {
    ERR_clear_error()
    if let value = make() { return value }
    throw OpenSSLFailure(call: "\(call)", reasons: drainedReasons())
}

/// Empties this thread's error queue. To be called in the same synchronous function as the call that failed.
func drainedReasons() -> [String] {
    var reasons: [String] = []
    while case let code = ERR_get_error(), code != 0 {
        guard reasons.count < 16 else { continue }
        reasons.append(reasonText(of: code))
    }
    return reasons
}

private func reasonText(of code: UInt) -> String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        unsafe buffer.initialize(repeating: 0)
        guard let start = buffer.baseAddress else { return "error \(code)" }
        unsafe ERR_error_string_n(code, start, buffer.count)
        return unsafe String(cString: start)
    }
}

/// Empties this thread's error queue after another library used OpenSSL on it: what it left there would be told as the
/// reason of the next failure of ours.
public func forgetOpenSSLReasons() {
    ERR_clear_error()
}
