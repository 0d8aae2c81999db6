import YAML

extension ConfigurationReading {
    func listenAddresses(_ node: Node) -> [ListenAddress]? {
        guard let elements = node.elements else { return listenAddress(node).map { [$0] } }
        if elements.isEmpty { reading.mistake(node, "the list is empty") }
        var addresses: [ListenAddress] = []
        for element in elements {
            guard let address = listenAddress(element) else { continue }
            if addresses.contains(address), address.port != 0 {
                reading.mistake(element, "`\(address)` is listed twice")
            }
            addresses.append(address)
        }
        return addresses.count == elements.count && !elements.isEmpty ? addresses : nil
    }

    private func listenAddress(_ node: Node) -> ListenAddress? {
        guard let text = node.scalar?.text, let address = ListenAddress(text) else {
            reading.mistake(
                node, "expected an address and a port, found \(node.kindForPeople)",
                hint: "such as `0.0.0.0:8443`, `127.0.0.1:8443` or `\"[::]:8443\"`")
            return nil
        }
        return address
    }

    func webAddress(_ node: Node) -> WebAddress? {
        guard let text = reading.nonEmptyText(node) else { return nil }
        do throws(WebAddress.Mistake) {
            return try WebAddress(text)
        } catch {
            // Only what is certainly no secret is shown: paths and queries may hold tokens.
            switch error {
            case .scheme: reading.mistake(node, "expected a URL", hint: "begin with `https://`")
            case .user: reading.mistake(node, "the URL holds a user or password", hint: "use `credential`")
            case .host: reading.mistake(node, "the URL's host isn't a name or an IP address")
            case .port: reading.mistake(node, "the URL's port isn't a number from 1 to 65535")
            case .path: reading.mistake(node, "the URL's path has escapes, dots or signs that servers read differently")
            case .queryOrFragment: reading.mistake(node, "the URL has a query or a fragment", hint: "leave it out")
            }
            return nil
        }
    }

    func publicURL(_ node: Node) -> WebAddress? {
        guard let url = webAddress(node) else { return nil }
        guard url.isSecure || url.isLoopback else {
            reading.mistake(node, "the public URL must be `https`", hint: "`http` is only for this machine")
            return nil
        }
        guard url.path.isEmpty else {
            reading.mistake(node, "the public URL must end after the host", hint: "use `\(url.origin)`")
            return nil
        }
        return url
    }

    func serverTLS(_ node: Node) -> CertificateFiles? {
        guard let fields = reading.fields(of: node, "`tls`", ["certificate", "key", "client_ca"]) else { return nil }
        if let authority = fields["client_ca"] {
            reading.mistake(
                authority, "this version doesn't ask clients for certificates",
                hint: "leave `client_ca` out; nobody would be checked by it")
        }
        return certificateFiles(fields)
    }

    func certificateFiles(_ fields: Fields) -> CertificateFiles? {
        let certificate = fields.required("certificate", paths.existing)
        let key = fields.required("key", paths.secret)
        guard let certificate, let key else { return nil }
        return CertificateFiles(certificate: certificate, key: key)
    }

    func admin(_ node: Node) -> AdminConfiguration? {
        guard let fields = reading.fields(of: node, "`admin`", ["listen", "tls"]) else { return nil }
        let tls = fields.optional("tls") { tls in
            reading.fields(of: tls, "`tls`", ["certificate", "key"]).flatMap(certificateFiles)
        }
        guard let listen = fields.required("listen", listenAddress) else { return nil }
        if !listen.isLoopback, !fields.has("tls"), let node = fields["listen"] {
            reading.mistake(
                node, "`\(listen)` can be reached by other machines, and `admin` has no `tls`",
                hint: "add `tls: {certificate: …, key: …}` to it, or listen on 127.0.0.1")
        }
        return AdminConfiguration(listen: listen, tls: tls)
    }

    func hosts(_ node: Node) -> [String]? {
        reading.list(of: host)(node)
    }

    private func host(_ node: Node) -> String? {
        guard let text = reading.nonEmptyText(node) else { return nil }
        if let url = try? WebAddress("https://\(text)"), url.path.isEmpty { return text.lowercased() }
        reading.mistake(node, "`\(text)` isn't a host", hint: "such as `mcp.example.com` or `mcp.example.com:8443`")
        return nil
    }

    func origins(_ node: Node) -> [String]? {
        reading.list(of: origin)(node)
    }

    private func origin(_ node: Node) -> String? {
        guard let text = reading.nonEmptyText(node) else { return nil }
        if let url = try? WebAddress(text), url.path.isEmpty { return url.origin }
        reading.mistake(node, "`\(text)` isn't an origin", hint: "such as `https://app.example.com`")
        return nil
    }

    func limits(_ node: Node) -> Limits? {
        let keys = [
            "head_bytes", "header_count", "body_bytes", "connections", "connections_per_address",
            "requests_per_connection", "streams", "streams_per_principal", "calls", "sessions",
            "sessions_per_principal", "session_idle",
        ]
        guard let fields = reading.fields(of: node, "`limits`", keys) else { return nil }
        var limits = Limits()
        limits.headBytes = size(fields, "head_bytes", limits.headBytes, in: 1 << 10...1 << 20)
        limits.headerCount = count(fields, "header_count", limits.headerCount, in: 10...1_000)
        limits.bodyBytes = size(fields, "body_bytes", limits.bodyBytes, in: 1 << 10...64 << 20)
        limits.connections = count(fields, "connections", limits.connections, in: 1...1_000_000)
        limits.connectionsPerAddress = count(
            fields, "connections_per_address", limits.connectionsPerAddress, in: 1...1_000_000)
        limits.requestsPerConnection = count(
            fields, "requests_per_connection", limits.requestsPerConnection, in: 1...1_000)
        limits.streams = count(fields, "streams", limits.streams, in: 0...1_000_000)
        limits.streamsPerPrincipal = count(
            fields, "streams_per_principal", limits.streamsPerPrincipal, in: 0...1_000_000)
        limits.calls = count(fields, "calls", limits.calls, in: 1...1_000_000)
        limits.sessions = count(fields, "sessions", limits.sessions, in: 1...10_000_000)
        limits.sessionsPerPrincipal = count(
            fields, "sessions_per_principal", limits.sessionsPerPrincipal, in: 1...10_000_000)
        limits.sessionIdle = span(fields, "session_idle", limits.sessionIdle, upTo: .seconds(86_400))
        return limits
    }

    func timeouts(_ node: Node) -> Timeouts? {
        let keys = ["handshake", "head", "body", "write", "idle", "drain"]
        guard let fields = reading.fields(of: node, "`timeouts`", keys) else { return nil }
        var timeouts = Timeouts()
        timeouts.handshake = span(fields, "handshake", timeouts.handshake)
        timeouts.head = span(fields, "head", timeouts.head)
        timeouts.body = span(fields, "body", timeouts.body)
        timeouts.write = span(fields, "write", timeouts.write)
        timeouts.idle = span(fields, "idle", timeouts.idle)
        timeouts.drain = span(fields, "drain", timeouts.drain)
        return timeouts
    }
}

// Values with bounds. A limit that can be switched off isn't one, so nothing here may be zero time or endless.
extension ConfigurationReading {
    func count(_ fields: Fields, _ key: String, _ standard: Int, in range: ClosedRange<Int>) -> Int {
        fields.optional(key, default: standard) { reading.int($0, in: range) }
    }

    func size(_ fields: Fields, _ key: String, _ standard: Int, in range: ClosedRange<Int>) -> Int {
        fields.optional(key, default: standard) { node in
            guard let size = reading.size(node) else { return nil }
            if range.contains(size) { return size }
            reading.mistake(
                node, "\(node.kindForPeople) is out of range",
                hint: "use \(range.lowerBound) to \(range.upperBound) bytes")
            return nil
        }
    }

    func span(_ fields: Fields, _ key: String, _ standard: Duration, upTo longest: Duration = .seconds(3600))
        -> Duration
    {
        fields.optional(key, default: standard) { node in
            guard let span = reading.duration(node) else { return nil }
            if span >= .milliseconds(100), span <= longest { return span }
            reading.mistake(
                node, "\(node.kindForPeople) is out of range",
                hint: "use 100ms to \(longest.components.seconds / 3600)h")
            return nil
        }
    }
}
