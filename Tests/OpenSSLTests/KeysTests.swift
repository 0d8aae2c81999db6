import Testing

@testable import OpenSSL

@Suite struct `A signing key` {
    func ways() throws -> [(SigningKey, [SignatureAlgorithm])] {
        [
            (try .ed25519(), [.eddsa]),
            (try .ellipticCurve(.p256), [.es256]),
            (try .ellipticCurve(.p384), [.es384]),
            (try .ellipticCurve(.p521), [.es512]),
            (try .rsa(bits: 2048), [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]),
        ]
    }

    @Test func `signs what its public key verifies, by the algorithms that suit it and no other`() throws {
        let message = [UInt8]("a message".utf8)
        for (key, suited) in try ways() {
            let verifier = try VerificationKey(pem: key.verificationKey.pem())
            for algorithm in SignatureAlgorithm.allCases {
                guard suited.contains(algorithm) else {
                    #expect(throws: OpenSSLFailure.self) { try key.sign(message, by: algorithm) }
                    continue
                }
                let signature = try key.sign(message, by: algorithm)
                #expect(verifier.isValid(signature, for: message, by: algorithm))
                #expect(!verifier.isValid(signature, for: message + [0], by: algorithm))
                #expect(!verifier.isValid(signature + [0], for: message, by: algorithm))
                #expect(!verifier.isValid([], for: message, by: algorithm))
                for other in SignatureAlgorithm.allCases where other != algorithm {
                    #expect(!verifier.isValid(signature, for: message, by: other))
                }
            }
        }
    }

    @Test func `comes back from its PEM as the same key`() throws {
        for (key, suited) in try ways() {
            let again = try SigningKey(pem: key.pem())
            let signature = try again.sign([1], by: suited[0])
            #expect(key.verificationKey.isValid(signature, for: [1], by: suited[0]))
        }
    }

    @Test func `of Ed25519 agrees with RFC 8032, test 2`() throws {
        let seed: [UInt8] = [
            0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f,
            0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb,
        ]
        let key = try SigningKey(ed25519Seed: seed)
        #expect(key.verificationKey.ed25519Bytes?.prefix(4) == [0x3d, 0x40, 0x17, 0xc3])
        #expect(try key.sign([0x72], by: .eddsa).prefix(4) == [0x92, 0xa0, 0x09, 0xa9])
    }
}

@Suite struct `A verification key` {
    @Test func `is never read out of a private key, a passphrase or nonsense`() throws {
        let secret = try SigningKey.ed25519().pem()
        #expect(throws: OpenSSLFailure.self) { try VerificationKey(pem: secret) }
        #expect(throws: OpenSSLFailure.self) { try VerificationKey(pem: []) }
        #expect(throws: OpenSSLFailure.self) { try VerificationKey(pem: [UInt8]("-----BEGIN PUBLIC KEY-----".utf8)) }
        #expect(throws: OpenSSLFailure.self) {
            try VerificationKey(pem: [UInt8](repeating: 65, count: 1 << 20 + 1))
        }
    }

    @Test func `below the floor is refused`() {
        let odd: [UInt8] = [0xc1] + [UInt8](repeating: 0x5b, count: 127)
        #expect(throws: OpenSSLFailure.self) { try VerificationKey(rsaModulus: odd, exponent: [1, 0, 1]) }
        let enough: [UInt8] = [0xc1] + [UInt8](repeating: 0x5b, count: 255)
        #expect(throws: Never.self) { try VerificationKey(rsaModulus: enough, exponent: [1, 0, 1]) }
        #expect(throws: OpenSSLFailure.self) { try VerificationKey(rsaModulus: enough, exponent: [3]) }
        #expect(throws: OpenSSLFailure.self) { try VerificationKey(rsaModulus: enough, exponent: [1, 0, 0]) }
        #expect(throws: OpenSSLFailure.self) { try VerificationKey(rsaModulus: enough, exponent: []) }
        #expect(throws: OpenSSLFailure.self) { try VerificationKey(rsaModulus: [], exponent: [1, 0, 1]) }
        #expect(throws: OpenSSLFailure.self) { try VerificationKey(ed25519: [UInt8](repeating: 1, count: 31)) }
        #expect(throws: OpenSSLFailure.self) {
            try VerificationKey(
                curve: .p256, x: [UInt8](repeating: 1, count: 32), y: [UInt8](repeating: 1, count: 32))
        }
    }
}

@Suite struct `A made certificate` {
    @Test func `carries the key that was made with it`() throws {
        let authority = try CertificateMaker.authority(named: "Tests", days: 1)
        let server = try CertificateMaker.server(
            names: [.dns("localhost"), .dns("*.example.test"), .address("127.0.0.1"), .address("::1")], days: 1,
            signedBy: authority)
        let client = try CertificateMaker.client(named: "ada", days: 1, signedBy: authority)
        for made in [authority, server, client] {
            let signature = try SigningKey(pem: made.key).sign([7], by: .es256)
            #expect(try VerificationKey(pem: made.certificate).isValid(signature, for: [7], by: .es256))
        }
    }

    @Test(arguments: [
        "", "a b", "evil.test,IP:10.0.0.1", "a..b", "-a", "a.*.b", "*", "a\nb", "DNS:x", "999.1.1.1", "1.2.3", ":::",
        "ffff:", "a_b", "ü.test",
    ])
    func `is not made for a name that is no name`(name: String) throws {
        let authority = try CertificateMaker.authority(named: "Tests", days: 1)
        #expect(throws: OpenSSLFailure.self) {
            try CertificateMaker.server(names: [ServerName(name)], days: 1, signedBy: authority)
        }
    }

    @Test func `is not made by an authority whose key belongs to another`() throws {
        let one = try CertificateMaker.authority(named: "One", days: 1)
        let two = try CertificateMaker.authority(named: "Two", days: 1)
        #expect(throws: OpenSSLFailure.self) {
            try CertificateMaker.client(
                named: "x", days: 1, signedBy: CertifiedKey(certificate: one.certificate, key: two.key))
        }
    }
}
