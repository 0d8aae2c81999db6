import CCurl
import Glibc
import Synchronization

/// Fetches one document by GET over HTTPS: key sets, metadata. Blocks its thread; never on the path of a call.
///
/// The certificate and its name are verified, redirects are not followed, nothing is sent but the request. Addresses that are not
/// public are refused unless allowed: the address that is judged is the one that is connected to. Behind a proxy
/// (`HTTPS_PROXY`) that is the proxy's own, and it decides what may be reached.
public struct Download: Sendable {
    /// The document.
    public let url: String
    /// PEM file of the authorities to trust; nil for the system's.
    public var authorities: String?
    /// Whether the host, or the proxy, may have an address that is not public.
    public var allowsPrivateAddress = false
    /// The longest document, in bytes.
    public var limit = 256 << 10
    /// For all of it.
    public var patience = Duration.seconds(5)

    /// - Throws: `.url` when it is not `https` or has a user in it.
    public init(url: String) throws(DownloadFailure) {
        guard url.hasPrefix("https://"), url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let authority = url.dropFirst(8).split(separator: "/", omittingEmptySubsequences: false).first,
            !authority.isEmpty, !authority.contains("@")
        else { throw .url }
        self.url = url
    }

    /// The document's bytes.
    public func run() throws(DownloadFailure) -> [UInt8] {
        guard isReady, let handle = unsafe curl_easy_init() else { throw .other(Int(CURLE_FAILED_INIT.rawValue)) }
        defer { unsafe curl_easy_cleanup(handle) }
        let transfer = Transfer(limit: limit, allowsPrivateAddress: allowsPrivateAddress)
        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        let accept = unsafe curl_slist_append(nil, "Accept: application/jwk-set+json, application/json")
        defer { unsafe curl_slist_free_all(accept) }
        unsafe configure(handle)
        unsafe _ = komainu_curl_set_list(handle, CURLOPT_HTTPHEADER, accept)
        unsafe _ = komainu_curl_set_context(handle, CURLOPT_WRITEDATA, context)
        unsafe _ = komainu_curl_set_context(handle, CURLOPT_OPENSOCKETDATA, context)
        unsafe _ = komainu_curl_set_writer(handle, receive)
        unsafe _ = komainu_curl_set_opener(handle, open)
        let code = withExtendedLifetime(transfer) { unsafe curl_easy_perform(handle) }
        if let failure = failure(code, transfer) { throw failure }
        var status = 0
        unsafe _ = komainu_curl_get_status(handle, &status)
        guard status == 200 else { throw .status(status) }
        return transfer.body
    }

    private func configure(_ handle: UnsafeMutableRawPointer) {
        let milliseconds = Int(patience / .milliseconds(1))
        let numbers: [(CURLoption, Int)] = [
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_FOLLOWLOCATION, 0), (CURLOPT_SSL_VERIFYPEER, 1),
            (CURLOPT_SSL_VERIFYHOST, 2), (CURLOPT_TIMEOUT_MS, milliseconds),
            (CURLOPT_CONNECTTIMEOUT_MS, milliseconds), (CURLOPT_MAXFILESIZE, limit),
        ]
        for (option, value) in numbers { unsafe _ = komainu_curl_set_number(handle, option, value) }
        var texts: [(CURLoption, String)] = [
            (CURLOPT_URL, url), (CURLOPT_PROTOCOLS_STR, "https"), (CURLOPT_USERAGENT, "komainu"),
        ]
        if let authorities { texts.append((CURLOPT_CAINFO, authorities)) }
        for (option, value) in texts { unsafe _ = komainu_curl_set_text(handle, option, value) }
    }

    private func failure(_ code: CURLcode, _ transfer: Transfer) -> DownloadFailure? {
        if transfer.refusedAddress { return .address }
        if transfer.isTooLarge { return .tooLarge }
        return switch code {
        case CURLE_OK: nil
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .url
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY, CURLE_GOT_NOTHING:
            .unreachable
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM:
            .tls
        case CURLE_OPERATION_TIMEDOUT: .slow
        case CURLE_FILESIZE_EXCEEDED: .tooLarge
        default: .other(Int(code.rawValue))
        }
    }
}

/// libcurl's one preparation, before its first use on any thread.
private let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

/// What is known about one transfer while it lasts. Used by one thread: libcurl calls back from within `perform`.
private final class Transfer {
    let limit: Int
    let allowsPrivateAddress: Bool
    var body: [UInt8] = []
    var isTooLarge = false
    var refusedAddress = false

    init(limit: Int, allowsPrivateAddress: Bool) {
        self.limit = limit
        self.allowsPrivateAddress = allowsPrivateAddress
    }
}

/// libcurl's writer: fewer bytes than offered end the transfer.
private func receive(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
    let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    let total = size * count
    guard transfer.body.count + total <= transfer.limit else {
        transfer.isTooLarge = true
        return 0
    }
    let buffer = unsafe UnsafeRawBufferPointer(start: bytes, count: total)
    unsafe transfer.body.append(contentsOf: buffer)
    return total
}

/// libcurl's opener of sockets: the last moment at which the address is known and nothing was sent.
private func open(
    _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let context = unsafe context, let address = unsafe address else { return -1 }
    let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    guard unsafe transfer.allowsPrivateAddress || isPublic(address) else {
        transfer.refusedAddress = true
        return -1
    }
    return unsafe socket(
        address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.`protocol`)
}

private func isPublic(_ address: UnsafeMutablePointer<curl_sockaddr>) -> Bool {
    let raw = unsafe UnsafeRawPointer(address).advanced(by: MemoryLayout<curl_sockaddr>.offset(of: \.addr) ?? 0)
    switch unsafe address.pointee.family {
    case AF_INET:
        let bytes = unsafe raw.loadUnaligned(as: sockaddr_in.self).sin_addr
        return unsafe PublicAddress.includes(v4: withUnsafeBytes(of: bytes) { unsafe Array($0) })
    case AF_INET6:
        // The structure is declared shorter than what libcurl puts there.
        let bytes = unsafe raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
        return unsafe PublicAddress.includes(v6: withUnsafeBytes(of: bytes) { unsafe Array($0) })
    default: return false
    }
}
