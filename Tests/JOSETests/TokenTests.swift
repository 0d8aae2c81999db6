import Bytes
import JSON
import OpenSSL
import Testing

@testable import JOSE

private let secret = [UInt8](1...32)
private let now: Int64 = 1_750_000_000

private func draft(id: ByteString = "j-1") -> TokenDraft {
    TokenDraft(
        subject: "ada", audiences: ["https://proxy.test"], id: id, issuedAt: now, expiresAt: now + 300,
        groups: ["dashboards", "finance"])
}

@Suite struct `A token that we sign` {
    @Test func `is accepted by the key that signed it, and says what it was asked to say`() throws {
        let minter = try TokenMinter(issuer: "https://proxy.test", secret: secret)
        let token = try CompactToken(minter.mint(draft()))
        let verifier = try TokenVerifier(
            rules: TokenRules(issuer: "https://proxy.test", audiences: ["https://proxy.test"], leeway: 0),
            keys: [minter.key])
        let claims = try verifier.verify(token, now: now)
        #expect(claims.subject == "ada")
        #expect(claims.id == "j-1")
        #expect(claims.texts("groups") == ["dashboards", "finance"])
        #expect(claims.expiresAt == now + 300)
        #expect(claims.scopes == [])
        #expect(token.claimedIssuer == "https://proxy.test")
        #expect(throws: Never.self) { try verifier.verify(token, now: now + 299) }
        #expect(throws: JOSEFailure(.expired)) { try verifier.verify(token, now: now + 300) }
    }

    @Test func `is refused under another secret, even of the same name`() throws {
        let minter = try TokenMinter(issuer: "https://proxy.test", secret: secret)
        let token = try CompactToken(minter.mint(draft()))
        let rules = TokenRules(issuer: "https://proxy.test", audiences: ["https://proxy.test"])
        let other = try TokenMinter(issuer: "https://proxy.test", secret: [UInt8](2...33))
        #expect(throws: JOSEFailure(.noKey)) {
            try TokenVerifier(rules: rules, keys: [other.key]).verify(token, now: now)
        }
        let forged = try TokenKey(secret: [UInt8](2...33), id: token.keyID, algorithm: .hs256)
        #expect(throws: JOSEFailure(.badSignature)) {
            try TokenVerifier(rules: rules, keys: [forged]).verify(token, now: now)
        }
    }

    @Test func `can carry any text in its claims`() throws {
        let minter = try TokenMinter(issuer: "https://proxy.test", secret: secret)
        let subject: ByteString = "a\"b\\c\u{1}\u{e9}\u{1F600}</script>"
        var unusual = draft()
        unusual.subject = subject
        let token = try CompactToken(minter.mint(unusual))
        let verifier = try TokenVerifier(
            rules: TokenRules(issuer: "https://proxy.test", audiences: ["https://proxy.test"]), keys: [minter.key])
        #expect(try verifier.verify(token, now: now).subject == subject)
    }
}

@Suite struct `A secret` {
    @Test func `is not made of something that everybody knows, nor of too little`() throws {
        let pem = try SigningKey.ed25519().verificationKey.pem()
        let der =
            Base64.decode(ByteString(String(decoding: pem, as: UTF8.self).split(separator: "\n")[1].description)) ?? []
        #expect(der.count == 44)
        let jwk = [UInt8](#"{"kty":"OKP","crv":"Ed25519","x":"h4fYYMCY9BtchNP_xef"}"#.utf8)
        for text in [pem, der, jwk, [UInt8](1...31), []] {
            #expect(throws: JOSEFailure.self) { try TokenKey(secret: text, algorithm: .hs256) }
        }
        #expect(throws: JOSEFailure.self) { try TokenKey(secret: [UInt8](1...63), algorithm: .hs512) }
        #expect(throws: Never.self) { try TokenKey(secret: [UInt8](1...64), algorithm: .hs512) }
    }

    @Test func `never verifies by another algorithm than its own`() throws {
        let minter = try TokenMinter(issuer: "https://proxy.test", secret: [UInt8](1...64))
        let token = try CompactToken(minter.mint(draft()))
        let key = try TokenKey(secret: [UInt8](1...64), algorithm: .hs512)
        let rules = TokenRules(issuer: "https://proxy.test", audiences: ["https://proxy.test"])
        #expect(throws: JOSEFailure(.noKey)) { try TokenVerifier(rules: rules, keys: [key]).verify(token, now: now) }
    }
}

@Suite struct `A forged token` {
    /// The golden case of style.md 6.4: HS256 keyed with the text of the public key that the server trusts.
    @Test func `keyed with the text of a public key is refused without asking libjwt`() throws {
        let signer = try SigningKey.rsa(bits: 2048)
        let pem = try signer.verificationKey.pem()
        let signed =
            Base64URL.encode([UInt8](#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + "."
            + Base64URL.encode([UInt8](#"{"iss":"https://as.test","aud":"https://proxy.test","exp":1750000300}"#.utf8))
        let code = HMACSHA256(key: pem).authenticate([UInt8](signed.utf8))
        let token = try CompactToken(ByteString(signed + "." + Base64URL.encode(code)))
        let key = try TokenKey(signer.verificationKey, algorithms: SignatureAlgorithm.allCases)
        let rules = TokenRules(issuer: "https://as.test", audiences: ["https://proxy.test"])
        #expect(throws: JOSEFailure(.noKey)) { try TokenVerifier(rules: rules, keys: [key]).verify(token, now: now) }
        #expect(try LibJWT.verifies(token, with: key) == false)
        #expect(try key.verifies(token) == false)
    }

    @Test(arguments: [
        #"{"alg":"none"}"#, #"{"alg":"None"}"#, #"{"alg":"RS256","crit":[]}"#, #"{"alg":"RS256","b64":true}"#,
    ])
    func `that asks not to be verified is not even read`(header: String) {
        let text = Base64URL.encode([UInt8](header.utf8)) + ".e30.AA"
        #expect(throws: JOSEFailure.self) { try CompactToken(ByteString(text)) }
    }

    @Test func `of any length costs little`() {
        let long = ByteString([UInt8](repeating: UInt8(ascii: "."), count: 20 << 20))
        #expect(throws: JOSEFailure(.tooLong)) { try CompactToken(long) }
        let nested =
            Base64URL.encode([UInt8](#"{"alg":"RS256"}"#.utf8)) + "."
            + Base64URL.encode([UInt8](repeating: UInt8(ascii: "["), count: 5000)) + ".AA"
        #expect(throws: JOSEFailure(.badPayload)) { try CompactToken(ByteString(nested)) }
    }
}

@Suite struct `An issuer's token` {
    private func token(_ claims: String, by key: SigningKey, header: String = #"{"alg":"EdDSA"}"#) throws
        -> CompactToken
    {
        let signed = Base64URL.encode([UInt8](header.utf8)) + "." + Base64URL.encode([UInt8](claims.utf8))
        let signature = try key.sign([UInt8](signed.utf8), by: .eddsa)
        return try CompactToken(ByteString(signed + "." + Base64URL.encode(signature)))
    }

    @Test func `is for the audience that is asked for, one of several, byte for byte`() throws {
        let key = try SigningKey.ed25519()
        let verifier = try TokenVerifier(
            rules: TokenRules(issuer: "i", audiences: []), keys: [TokenKey(key.verificationKey, algorithms: [.eddsa])])
        let several = try token(#"{"iss":"i","aud":["a","b"],"exp":1750000300.9,"scope":"x  y"}"#, by: key)
        #expect(try verifier.verify(several, audiences: ["b"], now: now).scopes == ["x", "y"])
        #expect(throws: JOSEFailure(.wrongAudience)) { try verifier.verify(several, audiences: ["B"], now: now) }
        #expect(throws: JOSEFailure(.wrongAudience)) { try verifier.verify(several, now: now) }
        let mixed = try token(#"{"iss":"i","aud":["a",1],"exp":1750000300}"#, by: key)
        #expect(throws: JOSEFailure(.badClaim, "aud")) { try verifier.verify(mixed, audiences: ["a"], now: now) }
        let eternal = try token(#"{"iss":"i","aud":"a"}"#, by: key)
        #expect(throws: JOSEFailure(.noExpiry)) { try verifier.verify(eternal, audiences: ["a"], now: now) }
        let bound = try token(#"{"iss":"i","aud":"a","exp":1750000300,"cnf":{"jkt":"x"}}"#, by: key)
        #expect(throws: JOSEFailure(.boundToKey)) { try verifier.verify(bound, audiences: ["a"], now: now) }
    }

    @Test func `is of a type that is taken, in any letter case`() throws {
        let key = try SigningKey.ed25519()
        func verifier(_ types: Set<TokenType>) throws -> TokenVerifier {
            try TokenVerifier(
                rules: TokenRules(issuer: "i", audiences: ["a"], types: types),
                keys: [TokenKey(key.verificationKey, algorithms: [.eddsa])])
        }
        let claims = #"{"iss":"i","aud":"a","exp":1750000300}"#
        let access = try token(claims, by: key, header: #"{"alg":"EdDSA","typ":"application/AT+JWT"}"#)
        let plain = try token(claims, by: key)
        #expect(throws: Never.self) { try verifier([.accessToken]).verify(access, now: now) }
        #expect(throws: JOSEFailure(.wrongType)) { try verifier([.plain]).verify(access, now: now) }
        #expect(throws: JOSEFailure(.wrongType)) { try verifier([.accessToken]).verify(plain, now: now) }
    }

    @Test func `is within its leeway to the second`() throws {
        let key = try SigningKey.ed25519()
        let verifier = try TokenVerifier(
            rules: TokenRules(issuer: "i", audiences: ["a"]),
            keys: [TokenKey(key.verificationKey, algorithms: [.eddsa])])
        let timed = try token(#"{"iss":"i","aud":"a","exp":1000,"nbf":900}"#, by: key)
        #expect(throws: JOSEFailure(.notYetValid, "nbf")) { try verifier.verify(timed, now: 839) }
        #expect(try verifier.verify(timed, now: 840).expiresAt == 1000)
        #expect(throws: Never.self) { try verifier.verify(timed, now: 1059) }
        #expect(throws: JOSEFailure(.expired)) { try verifier.verify(timed, now: 1060) }
    }
}
