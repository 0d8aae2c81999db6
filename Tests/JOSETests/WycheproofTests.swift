import Bytes
import JSON
import KomainuTesting
import OpenSSL
import Testing

@testable import JOSE

@Suite struct `Wycheproof's web signatures` {
    /// Where we differ from Wycheproof, by file and test number, and why.
    static let exceptions: [String: String] = [
        "signature 346": "RFC 7520 figure 20 is PS384 and the key says PS256: an algorithm is bound to its key",
        "signature 350": "the same",
        "signature 347": "the key says ES521, which is no algorithm",
        "signature 351": "the same",
        "signature 367": "byte for byte a valid token: the padding that the comment speaks of is not in it",
        "signature 370": "the same",
        "signature 372": "a question mark inside base64url, which Wycheproof lets a library skip",
        "signature 373": "the same",
    ]

    @Test(arguments: [("signature", 401), ("key", 26), ("crypto", 48)])
    func `are answered as expected, but where there is a reason`(file: String, count: Int) throws {
        guard let bytes = Shared.file("corpora/jwt/wycheproof/json_web_\(file)_test.json") else {
            return Shared.skipped("Wycheproof")
        }
        let document = try JSONDocument(parsing: bytes)
        var right = 0
        var differing: Set<String> = []
        let groups = document.member("testGroups", of: document.root).map { document.elements(of: $0) } ?? []
        for group in groups {
            let keys = Self.keys(of: group, in: document)
            for test in document.member("tests", of: group).map({ document.elements(of: $0) }) ?? [] {
                func text(_ name: String) -> ByteString? {
                    document.member(name, of: test).flatMap { document.string($0) }
                }
                guard let token = text("jws") else { continue }  // Encrypted tokens are none of ours.
                let number = document.member("tcId", of: test).flatMap { document.integer($0) } ?? 0
                if Self.accepts(token, with: keys) == (text("result") == "valid") {
                    right += 1
                } else {
                    differing.insert("\(file) \(number)")
                }
            }
        }
        let explained = differing.filter { Self.exceptions[$0] != nil }
        print("Wycheproof \(file): \(right) of \(right + differing.count) right, \(explained.count) explained")
        #expect(differing == explained)
        #expect(right + differing.count == count)
    }

    private static func keys(of group: JSONDocument.Node, in document: JSONDocument) -> [TokenKey] {
        if let node = document.member("public", of: group) {
            var set: [UInt8] = []
            if document.member("keys", of: node) == nil { set += Array(#"{"keys":["#.utf8) }
            document.write(node, into: &set)
            if document.member("keys", of: node) == nil { set += Array("]}".utf8) }
            return (try? KeySet(json: set, algorithms: Set(SignatureAlgorithm.allCases)).keys) ?? []
        }
        guard let node = document.member("private", of: group) else { return [] }
        let nodes = document.member("keys", of: node).map { document.elements(of: $0) } ?? [node]
        let secrets = nodes.map { secret(of: $0, in: document) }
        // A set of secrets that holds anything else is no set of secrets.
        return secrets.contains { $0 == nil } ? [] : secrets.compactMap { $0 }
    }

    private static func secret(of node: JSONDocument.Node, in document: JSONDocument) -> TokenKey? {
        func text(_ name: String) -> ByteString? { document.member(name, of: node).flatMap { document.string($0) } }
        guard text("use") ?? "sig" == "sig", let bytes = text("k").flatMap({ Base64URL.decode($0) }),
            let algorithm = text("alg").flatMap({ HMACAlgorithm(rawValue: $0.text) })
        else { return nil }
        return try? TokenKey(secret: bytes, id: text("kid"), algorithm: algorithm)
    }

    /// The payloads are texts such as "foo": signatures are asked for here, not JWTs, so OpenSSL's own way is taken.
    private static func accepts(_ text: ByteString, with keys: [TokenKey]) -> Bool {
        guard let form = try? CompactForm(text, limit: 64 * 1024) else { return false }
        return keys.contains { key in
            (form.keyID == nil || key.id == nil || form.keyID == key.id) && key.algorithms.contains(form.algorithm)
                && key.isValid(form.signature, over: form.signedPart, by: form.algorithm)
        }
    }
}
