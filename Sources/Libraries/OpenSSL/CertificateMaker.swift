internal import COpenSSL

/// A certificate with the private key that belongs to it, both in PEM.
public struct CertifiedKey: Sendable {
    /// The certificate, followed by nothing: whoever presents it to strangers adds the chain.
    public let certificate: [UInt8]
    /// The private key, PKCS #8, not encrypted: for a file that only its owner may read.
    public let key: [UInt8]

    /// Puts together what was read from files.
    public init(certificate: [UInt8], key: [UInt8]) {
        self.certificate = certificate
        self.key = key
    }
}

/// A name that a server answers to, for its subjectAltName.
public enum ServerName: Hashable, Sendable {
    /// A DNS name; `*` only as the whole first label.
    case dns(String)
    /// An IPv4 or IPv6 address.
    case address(String)

    /// Takes `text` for an address when it looks like one, else for a DNS name.
    public init(_ text: String) {
        let isAddress = text.contains(":") || text.utf8.allSatisfy { (48...57).contains($0) || $0 == 46 }
        self = isAddress ? .address(text) : .dns(text)
    }

    /// The name as OpenSSL's configuration language says it, after making sure that it says nothing else.
    fileprivate func checked() throws(OpenSSLFailure) -> String {
        switch self {
        case .dns(let name):
            let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            let rest =
                labels.first.map { [UInt8]($0) == [UInt8(ascii: "*")] } ?? false ? labels.dropFirst() : labels[...]
            guard name.utf8.count <= 253, !rest.isEmpty, rest.allSatisfy(Self.isLabel) else {
                throw OpenSSLFailure(call: "a certificate for a name that is no DNS name")
            }
            return "DNS:\(name)"
        case .address(let address):
            let isPlain = address.utf8.allSatisfy { UInt8(ascii: ":") == $0 || $0 == 46 || Self.isHex($0) }
            guard isPlain, !address.isEmpty, address.utf8.count <= 45 else {
                throw OpenSSLFailure(call: "a certificate for a name that is no IP address")
            }
            return "IP:\(address)"
        }
    }

    private static func isLabel(_ label: Substring.UTF8View) -> Bool {
        (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
            && label.allSatisfy { (48...57).contains($0) || (97...122).contains($0 | 32) || $0 == UInt8(ascii: "-") }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...102).contains(byte | 32)
    }
}

/// Makes certificates for development, for tests, and for houses without a certificate authority of their own: one
/// authority, and servers and clients that it signs. Keys are on P-256, signatures ECDSA with SHA-256.
public enum CertificateMaker {
    /// A fresh authority, which signs itself and may sign leaves only.
    ///
    /// - Parameters:
    ///   - name: the common name, at most 64 characters.
    ///   - days: how long it is valid from now on.
    public static func authority(named name: String, days: Int) throws(OpenSSLFailure) -> CertifiedKey {
        try make(
            Draft(
                name: name, days: days,
                extensions: [
                    (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                    (NID_key_usage, "critical,keyCertSign,cRLSign"),
                    (NID_subject_key_identifier, "hash"),
                ]), signedBy: nil)
    }

    /// A fresh server certificate for `names`, at least one.
    public static func server(
        names: [ServerName], days: Int, signedBy authority: CertifiedKey
    ) throws(OpenSSLFailure) -> CertifiedKey {
        guard let first = names.first else { throw OpenSSLFailure(call: "a server certificate without a name") }
        var alternatives: [String] = []
        for name in names { alternatives.append(try name.checked()) }
        let commonName = try String(first.checked().drop { $0 != ":" }.dropFirst().prefix(64))
        let extensions = leaf("serverAuth") + [(NID_subject_alt_name, alternatives.joined(separator: ","))]
        return try make(Draft(name: commonName, days: days, extensions: extensions), signedBy: authority)
    }

    /// A fresh client certificate whose common name is `name`, at most 64 characters.
    public static func client(
        named name: String, days: Int, signedBy authority: CertifiedKey
    ) throws(OpenSSLFailure) -> CertifiedKey {
        try make(Draft(name: name, days: days, extensions: leaf("clientAuth")), signedBy: authority)
    }

    private static func leaf(_ usage: String) -> [(Int32, String)] {
        [
            (NID_basic_constraints, "critical,CA:FALSE"),
            (NID_key_usage, "critical,digitalSignature"),
            (NID_ext_key_usage, usage),
            (NID_subject_key_identifier, "hash"),
            (NID_authority_key_identifier, "keyid:always"),
        ]
    }

    /// What a certificate is to say, before there is one.
    private struct Draft {
        let name: String
        let days: Int
        let extensions: [(Int32, String)]
    }

    private static func make(_ draft: Draft, signedBy authority: CertifiedKey?) throws(OpenSSLFailure) -> CertifiedKey {
        guard (1...64).contains(draft.name.unicodeScalars.count), (1...36_500).contains(draft.days) else {
            throw OpenSSLFailure(call: "a certificate's name of 1 to 64 characters and its validity of 1 to 36500 days")
        }
        let key = try SigningKey.ellipticCurve(.p256)
        let certificate = try CertificateHandle.blank()
        let issuer = try authority.map { (authority) throws(OpenSSLFailure) in
            (
                certificate: try CertificateHandle.reading(authority.certificate),
                key: try SigningKey(pem: authority.key)
            )
        }
        if let issuer {
            try attempt("X509_check_private_key") {
                unsafe X509_check_private_key(issuer.certificate.raw, issuer.key.handle.raw) == 1
            }
        }
        try certificate.describe(draft.name, days: draft.days, key: key.handle)
        try certificate.setIssuer(issuer?.certificate ?? certificate)
        for (kind, value) in draft.extensions {
            try certificate.addExtension(kind, value, issuer: issuer?.certificate ?? certificate)
        }
        try certificate.sign(with: issuer?.key.handle ?? key.handle)
        return CertifiedKey(certificate: try certificate.pem(), key: try key.pem())
    }
}

extension CertificateHandle {
    fileprivate static func blank() throws(OpenSSLFailure) -> CertificateHandle {
        unsafe CertificateHandle(owning: try made("X509_new") { unsafe X509_new() })
    }

    /// Version 3, a random serial number (RFC 5280 section 4.1.2.2), validity from five minutes ago: clocks differ.
    fileprivate func describe(_ name: String, days: Int, key: KeyHandle) throws(OpenSSLFailure) {
        let serial = try Random.bytes(16)
        try attempt("X509_set_serialNumber") {
            guard let number = unsafe BN_bin2bn([0x40 | serial[0] & 0x3f] + serial.dropFirst(), 16, nil) else {
                return false
            }
            defer { unsafe BN_free(number) }
            return unsafe BN_to_ASN1_INTEGER(number, X509_get_serialNumber(raw)) != nil
        }
        try attempt("X509_set_version") { unsafe X509_set_version(raw, 2) == 1 }
        try attempt("X509_gmtime_adj") {
            unsafe X509_gmtime_adj(X509_getm_notBefore(raw), -300) != nil
                && X509_gmtime_adj(X509_getm_notAfter(raw), days * 86_400) != nil
        }
        try attempt("X509_NAME_add_entry_by_txt") {
            let text = [UInt8](name.utf8)
            return unsafe X509_NAME_add_entry_by_txt(
                X509_get_subject_name(raw), "CN", MBSTRING_UTF8, text, Int32(text.count), -1, 0) == 1
        }
        try attempt("X509_set_pubkey") { unsafe X509_set_pubkey(raw, key.raw) == 1 }
    }

    fileprivate func setIssuer(_ issuer: CertificateHandle) throws(OpenSSLFailure) {
        try attempt("X509_set_issuer_name") {
            unsafe X509_set_issuer_name(raw, X509_get_subject_name(issuer.raw)) == 1
        }
    }

    fileprivate func addExtension(
        _ kind: Int32, _ value: String, issuer: CertificateHandle
    ) throws(OpenSSLFailure) {
        try attempt("X509_add_ext") {
            var context = unsafe X509V3_CTX()
            unsafe X509V3_set_ctx(&context, issuer.raw, raw, nil, nil, 0)
            guard let made = unsafe X509V3_EXT_conf_nid(nil, &context, kind, value) else { return false }
            defer { unsafe X509_EXTENSION_free(made) }
            return unsafe X509_add_ext(raw, made, -1) == 1
        }
    }

    fileprivate func sign(with key: KeyHandle) throws(OpenSSLFailure) {
        try attempt("X509_sign") { unsafe X509_sign(raw, key.raw, DigestMethod.sha256.raw) > 0 }
    }
}
