/// Why a document could not be fetched. Nothing in it comes from the other side.
public enum DownloadFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The URL is not `https` with a host.
    case url
    /// The host has an address that is not public, and that was not allowed.
    case address
    /// The host is not known, or nobody answers there.
    case unreachable
    /// The certificate or its name was not accepted, or TLS failed otherwise.
    case tls
    /// It took too long.
    case slow
    /// The document is longer than allowed.
    case tooLarge
    /// An answer other than 200; redirects are not followed.
    case status(Int)
    /// Anything else; libcurl's code.
    case other(Int)

    /// For people.
    public var description: String {
        switch self {
        case .url: "the URL must be https with a host"
        case .address: "its host has an address that isn't public"
        case .unreachable: "nobody answers there"
        case .tls: "its certificate isn't accepted"
        case .slow: "it takes too long"
        case .tooLarge: "the document is too large"
        case .status(let status): "it answers \(status)"
        case .other(let code): "libcurl's error \(code)"
        }
    }
}
