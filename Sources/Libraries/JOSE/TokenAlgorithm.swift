public import Bytes
public import OpenSSL

/// The algorithms a token may be signed by (RFC 7518 section 3.1, RFC 8037). `none` is not one of them.
public enum TokenAlgorithm: Hashable, Sendable {
    /// By a private key; a public one verifies.
    case signature(SignatureAlgorithm)
    /// By a secret that both sides know.
    case authentication(HMACAlgorithm)

    /// The algorithm of that name, compared as bytes: `rs256` is none.
    public init?(_ name: ByteString) {
        if let found = SignatureAlgorithm.allCases.first(where: { ByteString($0.rawValue) == name }) {
            self = .signature(found)
        } else if let found = HMACAlgorithm.allCases.first(where: { ByteString($0.rawValue) == name }) {
            self = .authentication(found)
        } else {
            return nil
        }
    }

    /// The name in `alg`.
    public var name: String {
        switch self {
        case .signature(let algorithm): algorithm.rawValue
        case .authentication(let algorithm): algorithm.rawValue
        }
    }
}
