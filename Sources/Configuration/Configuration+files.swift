extension Configuration {
    /// The keys whose change only a restart can follow, because sockets, threads, files or keys were made from them.
    ///
    /// A reload takes all of a file or nothing, so a file that differs in one of these is refused as long as we run.
    public func keysThatNeedRestart(comparedTo running: Configuration) -> [String] {
        var keys: [String] = []
        func compare(_ key: String, _ isSame: Bool) {
            if !isSame { keys.append(key) }
        }
        compare("listen", listen == running.listen)
        // The tokens that we sign are made out for it.
        compare("public_url", publicURL == running.publicURL)
        compare("tls", (tls == nil) == (running.tls == nil))
        compare("admin", admin?.listen == running.admin?.listen && (admin?.tls == nil) == (running.admin?.tls == nil))
        compare("tokens", tokens == running.tokens)
        compare("state", state == running.state)
        compare("audit", audit == running.audit)
        compare("redaction", redactionKey == running.redactionKey)
        compare("threads", threads == running.threads)
        return keys
    }

    /// Every file that this configuration is made from, itself included: when one of them changes, so may what it says.
    public var files: [String] {
        var files = [file]
        for certificate in [tls, admin?.tls] {
            if let certificate { files += [certificate.certificate, certificate.key] }
        }
        for upstream in upstreams {
            files += upstream.catalogs + upstream.policies
            if let authorities = upstream.authorities { files.append(authorities) }
            switch upstream.location {
            case .url: break
            case .file(let path): files.append(path)
            case .command(let command):
                for value in command.environment.values { if case .file(let path) = value { files.append(path) } }
            }
            if case .bearerFile(let path) = upstream.credential { files.append(path) }
        }
        for issuer in issuers {
            files += issuer.keys
            if let secret = issuer.secretFile { files.append(secret) }
            if let authorities = issuer.keySet?.authorities { files.append(authorities) }
        }
        return files
    }

    /// Where the approved tool definitions of an upstream are kept: beside the database.
    public func pinFile(of upstream: UpstreamConfiguration) -> String { "\(stateFolder)pins-\(upstream.name).json" }

    /// Where commands leave the approvals that the proxy is to carry out: beside the database.
    public func approvalFolder(of upstream: UpstreamConfiguration) -> String {
        "\(stateFolder)approvals-\(upstream.name)"
    }

    private var stateFolder: String {
        state.lastIndex(of: "/").map { String(state[...$0]) } ?? ""
    }
}
