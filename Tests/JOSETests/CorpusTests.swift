import Bytes
import JSON
import KomainuTesting
import OpenSSL
import Testing

@testable import JOSE

@Suite struct `The token corpus` {
    @Test func `is answered as expected, every case of it`() throws {
        guard let corpus = try Corpus() else { return Shared.skipped("the token corpus") }
        var right = 0
        var wrong: [String] = []
        var eithers: [String] = []
        for node in corpus.list("cases") {
            let outcome = Self.outcome(of: node, in: corpus)
            let expected = corpus.text("expect", of: node)
            switch (expected, outcome) {
            case ("accept", nil), ("reject", .some): right += 1
            case ("either", _):
                right += 1
                eithers.append("\(corpus.text("id", of: node)) \(outcome?.description ?? "accepted")")
            default: wrong.append("\(corpus.text("id", of: node)): \(outcome?.description ?? "accepted")")
            }
        }
        print("token corpus: \(right) of \(right + wrong.count) right")
        for line in eithers { print("  either: \(line)") }
        #expect(wrong == [])
        #expect(right >= 200)
    }

    /// Nothing when the token was accepted.
    private static func outcome(of node: JSONDocument.Node, in corpus: Corpus) -> JOSEFailure? {
        do throws(JOSEFailure) {
            let verifier = try verifier(for: node, in: corpus)
            let token = try CompactToken(corpus.text("token", of: node))
            for key in (try? keys(for: node, in: corpus)) ?? [] where token.isForLibJWT {
                // Two libraries, one answer.
                let mine = key.verifiesByOpenSSL(token)
                let theirs = (try? LibJWT.verifies(token, with: key)) ?? false
                #expect(mine == theirs || !key.algorithms.contains(token.algorithm), "\(corpus.text("id", of: node))")
            }
            _ = try verifier.verify(token, now: now(for: node, in: corpus))
            return nil
        } catch {
            return error
        }
    }

    private static func setting(
        _ name: String, for node: JSONDocument.Node, in corpus: Corpus
    ) -> JSONDocument.Node? {
        let document = corpus.document
        let own = document.member("context", of: node).flatMap { document.member(name, of: $0) }
        return own ?? document.member(name, of: corpus.context)
    }

    private static func now(for node: JSONDocument.Node, in corpus: Corpus) -> Int64 {
        setting("now", for: node, in: corpus).flatMap { corpus.document.integer($0) } ?? 0
    }

    private static func verifier(
        for node: JSONDocument.Node, in corpus: Corpus
    ) throws(JOSEFailure) -> TokenVerifier {
        let document = corpus.document
        func text(_ name: String) -> ByteString {
            setting(name, for: node, in: corpus).flatMap { document.string($0) } ?? ""
        }
        let leeway = setting("leeway", for: node, in: corpus).flatMap { document.integer($0) } ?? 0
        return try TokenVerifier(
            rules: TokenRules(issuer: text("issuer"), audiences: [text("audience")], leeway: leeway),
            keys: keys(for: node, in: corpus))
    }

    private static func keys(for node: JSONDocument.Node, in corpus: Corpus) throws(JOSEFailure) -> [TokenKey] {
        let document = corpus.document
        let name = setting("jwks", for: node, in: corpus).flatMap { document.string($0) } ?? ""
        let sets = document.member("jwks", of: document.root) ?? document.root
        guard let set = document.member(name, of: sets) else { return [] }
        let names = setting("algs", for: node, in: corpus).map { document.elements(of: $0) } ?? []
        let algorithms = names.compactMap { document.string($0).flatMap { SignatureAlgorithm(rawValue: $0.text) } }
        return try KeySet(json: corpus.encoded(set), algorithms: Set(algorithms)).keys
    }
}

@Suite struct `The key set corpus` {
    @Test func `gives the usable keys and no other`() throws {
        guard let corpus = try Corpus() else { return Shared.skipped("the key set corpus") }
        var right = 0
        var wrong: [String] = []
        for node in corpus.list("jwks_cases") {
            let set = try? KeySet(
                json: corpus.text("jwks", of: node).bytes, algorithms: Set(SignatureAlgorithm.allCases))
            let found = (set?.keys ?? []).compactMap(\.id)
            let usable = corpus.document.member("usable_kids", of: node).map { corpus.document.elements(of: $0) } ?? []
            let expected = usable.compactMap { corpus.document.string($0) }
            let isEither = corpus.text("expect", of: node) == "either"
            if found == expected || isEither {
                right += 1
            } else {
                wrong.append("\(corpus.text("id", of: node)): \(found)")
            }
        }
        print("key set corpus: \(right) of \(right + wrong.count) right")
        #expect(wrong == [])
        #expect(right >= 21)
    }
}
