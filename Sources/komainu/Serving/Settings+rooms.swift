import Admin
import Audit
import Bytes
import Configuration
import Edge
import HTTP
import HTTPClient
import Identity
import OpenSSL
import System

// From what the operator wrote to what the rooms run on.

extension Configuration {
    /// The settings of the trail.
    func auditSettings(whenPoisoned: @escaping @Sendable (AuditFailure) -> Void) -> AuditSettings {
        var settings = AuditSettings(directory: audit.directory, origin: audit.origin, keys: audit.keys)
        settings.program = "komainu \(Version.text)"
        settings.anchor = audit.anchor
        settings.segmentBytes = audit.segmentBytes
        settings.heartbeat = audit.heartbeat
        settings.whenPoisoned = whenPoisoned
        return settings
    }

    /// The settings of the records and issuers.
    func identitySettings() throws(ProgramFailure) -> IdentitySettings {
        IdentitySettings(state: stateSettings, issuers: try tokenIssuers())
    }

    /// The issuers with their keys, read and checked.
    func tokenIssuers() throws(ProgramFailure) -> [TokenIssuer] {
        try issuers.map { (issuer) throws(ProgramFailure) in
            try asking { () throws(StateFailure) in
                try TokenIssuer(
                    name: ByteString(issuer.name), issuer: ByteString(issuer.issuer),
                    audiences: Set(issuer.audiences.map { ByteString($0) }), algorithms: issuer.algorithms,
                    keyFiles: issuer.keys, secretFile: issuer.secretFile, published: issuer.keySet?.published,
                    types: issuer.types,
                    subjectClaim: ByteString(issuer.subjectClaim),
                    groupsClaim: issuer.groupsClaim.map { ByteString($0) })
            }
        }
    }

    /// What clients' listeners do at an address.
    func edgeSettings(at address: ListenAddress, _ admission: Admission) throws(ProgramFailure) -> EdgeSettings {
        var settings = EdgeSettings(
            listen: try address.socketAddress(), tls: try tls.map(serverContext),
            allowedHosts: Set(([publicURL.authority] + allowedHosts).map { ByteString($0) }))
        settings.allowedOrigins = Set(allowedOrigins.map { ByteString($0) })
        settings.admission = admission
        settings.limits.headBytes = limits.headBytes
        settings.limits.fieldCount = limits.headerCount
        settings.limits.bodyBytes = limits.bodyBytes
        settings.http2.requests = limits.requestsPerConnection
        settings.times.handshake = timeouts.handshake
        settings.times.head = timeouts.head
        settings.times.body = timeouts.body
        settings.times.write = timeouts.write
        settings.times.idle = timeouts.idle
        return settings
    }

    /// What the operators' listener does.
    func adminSettings(_ admin: AdminConfiguration) throws(ProgramFailure) -> EdgeSettings {
        let tls = try admin.tls.map(serverContext)
        var settings = EdgeSettings(listen: try admin.listen.socketAddress(), tls: tls, allowedHosts: [])
        // Behind TLS no page can borrow our address: its own name isn't in the certificate.
        settings.acceptsAnyHostUnchecked = tls != nil
        // More than the API takes, so that it is the API that says so in its own words.
        settings.limits.bodyBytes = 1 << 20
        settings.refusalBody = { status, code in
            AdminError(status, "the request can't be served: \(code)").response.body
        }
        settings.admission = Admission(total: 64, perAddress: 64)
        return settings
    }
}

extension UpstreamConfiguration {
    /// How the upstream is reached, with the files read that say so.
    func upstreamSettings() throws(ProgramFailure) -> UpstreamSettings {
        var settings = UpstreamSettings(url: try upstreamURL())
        if let authorities { settings.authorities = .only(try contents(of: authorities)) }
        settings.credential =
            switch credential {
            case .bearerFile(let path): .bearerFile(path)
            case .bearerVariable(let name): .bearerEnvironment(name)
            case nil: .none
            }
        settings.proxy = ProxySettings.fromEnvironment()
        settings.pool.connections = limits.connections
        settings.timing.connecting = timeouts.connect
        settings.timing.handshake = timeouts.connect
        settings.timing.head = timeouts.response
        settings.timing.body = timeouts.idle
        settings.timing.total = timeouts.total
        return settings
    }

    private func upstreamURL() throws(ProgramFailure) -> UpstreamURL {
        let text: String
        switch location {
        case .url(let address): text = address.description
        case .file(let path):
            let lines = String(decoding: try contents(of: path), as: UTF8.self).split(whereSeparator: \.isNewline)
            guard lines.count == 1 else { throw ProgramFailure("`\(path)` must hold one URL") }
            text = String(lines[0])
        case .command: throw ProgramFailure("the upstream `\(name)` is a program and has no URL")
        }
        do throws(UpstreamURL.Mistake) {
            return try UpstreamURL(text)
        } catch {
            // The URL may be a secret, so it isn't shown.
            throw ProgramFailure("the URL of `\(name)` can't be used: \(error.rawValue)")
        }
    }
}

extension ListenAddress {
    func socketAddress() throws(ProgramFailure) -> SocketAddress {
        if let address = SocketAddress(description) { return address }
        throw ProgramFailure("`\(self)` isn't an address that can be listened on")
    }
}

/// A server's certificate and key from their files, checked against each other.
func serverContext(_ files: CertificateFiles) throws(ProgramFailure) -> ServerContext {
    let chain = try contents(of: files.certificate)
    let key = try contents(of: files.key)
    do throws(OpenSSLFailure) {
        return try ServerContext(chain: chain, key: key, http2: true)
    } catch {
        throw ProgramFailure("the certificate `\(files.certificate)` and its key can't be used: \(error)")
    }
}

/// A client's rules with the authorities of a file.
func clientContext(trusting path: String) throws(ProgramFailure) -> ClientContext {
    let authorities = try contents(of: path)
    do throws(OpenSSLFailure) {
        return try ClientContext(trusting: .only(authorities))
    } catch {
        throw ProgramFailure("the authorities `\(path)` can't be used: \(error)")
    }
}

/// A whole file of at most 1 MiB.
func contents(of path: String) throws(ProgramFailure) -> [UInt8] {
    let bytes = try attempting("a file can't be read") { () throws(SystemFailure) in
        try Files.read(path, limit: 1 << 20)
    }
    if let bytes { return bytes }
    throw ProgramFailure("`\(path)` has more than 1 MiB")
}

extension KeySetConfiguration {
    /// Behind a proxy the address that is connected to is the proxy's, whose business it is what may be reached.
    fileprivate var published: PublishedKeys {
        PublishedKeys(
            url: url, authorities: authorities,
            allowsPrivateAddress: allowsPrivateAddress || ProxySettings.fromEnvironment() != nil, refresh: refresh,
            keep: keep)
    }
}
