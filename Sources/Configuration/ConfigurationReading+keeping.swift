import YAML

// What Komainu keeps: who may come in, and what it writes down.
extension ConfigurationReading {
    func issuers(_ node: Node) -> [IssuerConfiguration]? {
        guard let elements = reading.list(node) else { return nil }
        noteRepeated(elements, key: "name", what: "issuer")
        // One issuer with two entries would let the weaker one's keys speak for the stronger one's subjects.
        noteRepeated(elements, key: "issuer", what: "issuer")
        let issuers = elements.compactMap(issuer)
        return issuers.count == elements.count ? issuers : nil
    }

    private static let publicKeyAlgorithms = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    ]
    private static let secretAlgorithms = ["HS256", "HS384", "HS512"]

    private func issuer(_ node: Node) -> IssuerConfiguration? {
        let keys = [
            "name", "issuer", "audience", "algorithms", "keys", "jwks", "secret_file", "typ", "subject", "groups",
        ]
        guard let fields = reading.fields(of: node, "an issuer", keys) else { return nil }
        let name = fields.required("name", reading.nonEmptyText)
        let issuer = fields.required("issuer", reading.nonEmptyText)
        let audiences = fields.required("audience") { texts($0) }
        let algorithms = fields.required("algorithms") { self.algorithms($0) }
        let files = fields.optional("keys", default: [], paths.files)
        let secret = fields.optional("secret_file", paths.secret)
        let keySet = fields.optional("jwks", self.keySet)
        let types = fields.optional("typ", default: ["at+jwt", "jwt"]) { texts($0)?.map { $0.lowercased() } }
        let subject = fields.optional("subject", default: "sub", reading.nonEmptyText)
        let groups = fields.optional("groups", reading.nonEmptyText)
        checkKeys(fields, algorithms)
        guard let name, let issuer, let audiences, let algorithms else { return nil }
        return IssuerConfiguration(
            name: name, issuer: issuer, audiences: audiences, algorithms: algorithms, keys: files, secretFile: secret,
            keySet: keySet, types: types, subjectClaim: subject, groupsClaim: groups)
    }

    /// A URL, or a mapping that says more.
    private func keySet(_ node: Node) -> KeySetConfiguration? {
        if node.scalar != nil {
            return keySetURL(node).map {
                KeySetConfiguration(
                    url: $0, authorities: nil, allowsPrivateAddress: false, refresh: .seconds(3_600),
                    keep: .seconds(86_400))
            }
        }
        let keys = ["url", "ca", "private_address", "refresh", "keep"]
        guard let fields = reading.fields(of: node, "`jwks`", keys) else { return nil }
        let url = fields.required("url", keySetURL)
        let authorities = fields.optional("ca", paths.existing)
        let isPrivate = fields.optional("private_address", default: false, reading.bool)
        let refresh = fields.optional("refresh", default: .seconds(3_600)) { reading.duration($0) }
        let keep = fields.optional("keep", default: .seconds(86_400)) { reading.duration($0) }
        if let node = fields["refresh"], refresh < .seconds(60) {
            reading.mistake(node, "less than a minute is no rest for the issuer")
        }
        if let node = fields["keep"] ?? fields["refresh"], keep < refresh {
            reading.mistake(node, "keys must be kept at least as long as from one look to the next")
        }
        return url.map {
            KeySetConfiguration(
                url: $0, authorities: authorities, allowsPrivateAddress: isPrivate, refresh: refresh, keep: keep)
        }
    }

    private func keySetURL(_ node: Node) -> String? {
        guard let text = reading.nonEmptyText(node) else { return nil }
        if text.hasPrefix("https://"), text.count > 8, !text.contains("@") { return text }
        reading.mistake(node, "`jwks` must be an https URL, without a name or password in it")
        return nil
    }

    private func algorithms(_ node: Node) -> [String]? {
        let all = ConfigurationReading.publicKeyAlgorithms + ConfigurationReading.secretAlgorithms
        guard let elements = node.elements ?? (node.scalar == nil ? nil : [node]) else {
            return reading.list(node).map { _ in [] }
        }
        guard !elements.isEmpty else {
            reading.mistake(node, "the list is empty")
            return nil
        }
        let algorithms = elements.compactMap { element -> String? in
            guard let word = reading.nonEmptyText(element) else { return nil }
            if all.contains(word) { return word }
            reading.mistake(
                element, "unknown algorithm `\(word)`",
                hint: suggestion(for: word, among: all) ?? "use \(listed(all, "or"))")
            return nil
        }
        return algorithms.count == elements.count ? algorithms : nil
    }

    /// A public key's text must never be usable as a shared secret, so the two kinds don't mix in one issuer.
    private func checkKeys(_ fields: Fields, _ algorithms: [String]?) {
        guard let algorithms, let node = fields["algorithms"] else { return }
        let secret = algorithms.filter(ConfigurationReading.secretAlgorithms.contains)
        guard secret.isEmpty || secret.count == algorithms.count else {
            reading.mistake(node, "an issuer uses either public keys or a secret, not both", hint: "split it in two")
            return
        }
        let (needed, unwanted) =
            secret.isEmpty ? (["keys", "jwks"], ["secret_file"]) : (["secret_file"], ["keys", "jwks"])
        let given = needed.filter { fields.has($0) }
        if given.isEmpty {
            let names = needed.map { "`\($0)`" }.joined(separator: " or ")
            reading.mistake(fields.node, "an issuer with \(listed(algorithms)) needs \(names)")
        }
        if given.count > 1 { reading.mistake(fields.node, "an issuer has either `keys` or `jwks`") }
        for name in unwanted {
            guard let extra = fields[name] else { continue }
            reading.mistake(extra, "\(listed(algorithms)) can't use `\(name)`", hint: "leave it out")
        }
    }

    /// One text or a list of at least one.
    private func texts(_ node: Node) -> [String]? {
        guard node.elements != nil else { return reading.nonEmptyText(node).map { [$0] } }
        guard let texts = reading.list(of: reading.nonEmptyText)(node) else { return nil }
        if texts.isEmpty { reading.mistake(node, "the list is empty") }
        return texts.isEmpty ? nil : texts
    }

    func tokens(_ node: Node?) -> TokenConfiguration? {
        var settings = TokenConfiguration(
            hmacKey: paths.standard("var/keys/tokens.hmac"), signingKey: paths.standard("var/keys/tokens.signing"))
        guard let node else { return settings }
        guard let fields = reading.fields(of: node, "`tokens`", ["hmac_key", "signing_key"]) else { return nil }
        settings.hmacKey = fields.optional("hmac_key", default: settings.hmacKey, paths.madeSecret)
        settings.signingKey = fields.optional("signing_key", default: settings.signingKey, paths.madeSecret)
        return settings
    }

    func state(_ node: Node?) -> String? {
        guard let node else { return paths.standard("var/komainu.db") }
        return reading.fields(of: node, "`state`", ["sqlite"])?.required("sqlite", paths.path)
    }

    func redaction(_ node: Node?) -> String? {
        let standard = paths.standard("var/keys/redaction.key")
        guard let node else { return standard }
        return reading.fields(of: node, "`redaction`", ["key_file"])?
            .optional("key_file", default: standard, paths.madeSecret)
    }

    func audit(_ node: Node?, publicURL: WebAddress?) -> AuditConfiguration? {
        var settings = AuditConfiguration(
            directory: paths.standard("var/audit"), origin: "\(publicURL?.authority ?? "")/audit",
            keys: paths.standard("var/keys/audit"))
        guard let node else { return settings }
        let known = ["directory", "origin", "keys", "anchor", "heartbeat", "segment_bytes"]
        guard let fields = reading.fields(of: node, "`audit`", known) else { return nil }
        settings.directory = fields.optional("directory", default: settings.directory, paths.path)
        settings.origin = fields.optional("origin", default: settings.origin, origin)
        settings.keys = fields.optional("keys", default: settings.keys, paths.path)
        if let anchor = fields["anchor"] {
            settings.anchor = fields.required("anchor", paths.path)
            if let path = settings.anchor, path == settings.directory || path.hasPrefix(settings.directory + "/") {
                reading.mistake(
                    anchor, "the anchor must lie outside the trail's directory",
                    hint: "put back together with the trail, it could not tell that the trail was put back")
            }
        }
        settings.heartbeat = span(fields, "heartbeat", settings.heartbeat)
        settings.segmentBytes = size(fields, "segment_bytes", settings.segmentBytes, in: 1 << 20...1 << 30)
        let inside = settings.keys == settings.directory || settings.keys.hasPrefix(settings.directory + "/")
        if inside, let keys = fields["keys"] ?? fields["directory"] {
            reading.mistake(
                keys, "the audit keys must lie outside the trail's directory",
                hint: "who copies the trail must not get the keys with it")
        }
        return settings
    }

    /// C2SP tlog-checkpoint: a URL without its scheme, no spaces, no plus.
    private func origin(_ node: Node) -> String? {
        guard let text = reading.nonEmptyText(node) else { return nil }
        let letters = text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "+") }
        if letters, text.utf8.count <= 255, !text.contains("://") { return text }
        reading.mistake(
            node, "`\(text)` can't name a log", hint: "use a URL without its scheme, such as `mcp.example.com/audit`")
        return nil
    }
}
