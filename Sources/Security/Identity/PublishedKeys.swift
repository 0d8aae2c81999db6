internal import Bytes
internal import Curl
internal import JOSE
internal import OpenSSL

/// Where an issuer publishes its keys: a JWK Set (RFC 7517 section 5), at a URL that the operator pins.
public struct PublishedKeys: Hashable, Sendable {
    /// The set's URL, `https`.
    public var url: String
    /// PEM file of the authorities to trust; nil for the system's.
    public var authorities: String?
    /// Whether its host, or the proxy to it, may have an address that is not public.
    public var allowsPrivateAddress: Bool
    /// Between two looks at the set.
    public var refresh: Duration
    /// How long keys count after the last time that they could be fetched; then tokens of the issuer are refused.
    public var keep: Duration

    /// Defaults: looked at each hour, kept for a day.
    public init(
        url: String, authorities: String? = nil, allowsPrivateAddress: Bool = false,
        refresh: Duration = .seconds(3_600),
        keep: Duration = .seconds(86_400)
    ) {
        self.url = url
        self.authorities = authorities
        self.allowsPrivateAddress = allowsPrivateAddress
        self.refresh = refresh
        self.keep = keep
    }

    func download() throws(JOSEFailure) -> Download {
        do throws(DownloadFailure) {
            var download = try Download(url: url)
            download.authorities = authorities
            download.allowsPrivateAddress = allowsPrivateAddress
            return download
        } catch {
            throw JOSEFailure(.unusableKey, detail: "the key set's URL cannot be used: \(error)")
        }
    }

    /// What makes it another than before.
    var identity: [UInt8] { Array("\(url)\0\(authorities ?? "")\0\(allowsPrivateAddress)\0\(refresh)\0\(keep)".utf8) }
}

extension KeyLook {
    /// Fetches the set and reads it.
    init(_ download: Download, _ algorithms: Set<SignatureAlgorithm>, _ rules: TokenRules) throws(KeyLookFailure) {
        let document: [UInt8]
        do throws(DownloadFailure) {
            document = try download.run()
        } catch {
            throw KeyLookFailure(reason: error.description)
        }
        do throws(JOSEFailure) {
            let keys = try KeySet(json: document, algorithms: algorithms).keys
            self.init(verifier: try TokenVerifier(rules: rules, keys: keys), fingerprint: SHA256.hash(document))
        } catch {
            throw KeyLookFailure(reason: error.description)
        }
    }
}
