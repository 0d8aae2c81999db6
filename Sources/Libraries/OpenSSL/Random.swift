internal import COpenSSL

/// Bytes that nobody can guess, from OpenSSL's generator, which reseeds itself from the kernel and after a fork.
public enum Random {
    /// `count` fresh bytes, fit for keys and tokens.
    public static func bytes(_ count: Int) throws(OpenSSLFailure) -> [UInt8] {
        var failure: OpenSSLFailure?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { output, filled in
            do throws(OpenSSLFailure) {
                try attempt("RAND_priv_bytes") { unsafe RAND_priv_bytes(output.baseAddress, Int32(count)) == 1 }
                filled = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
