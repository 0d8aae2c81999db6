import Bytes
import JSON
import KomainuTesting
import Testing

/// Other people's collections of what parsers get wrong.
@Suite struct `The strict reader on shared corpora` {
    private static let suite = "corpora/json/JSONTestSuite/test_parsing"
    /// RFC 8259 lets these pass with a warning; a gate can't.
    private static let duplicates: Set<String> = [
        "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json",
    ]

    @Test func `accepts what JSONTestSuite says must be accepted and refuses what must be refused`() throws {
        guard let names = Shared.names(in: Self.suite) else { return Shared.skipped("JSONTestSuite") }
        var judged = 0
        for name in names where name.hasPrefix("y_") || name.hasPrefix("n_") {
            let bytes = try #require(Shared.file(Self.suite + "/" + name))
            let expected: JSONFailure.Reason? = Self.duplicates.contains(name) ? .duplicateName : nil
            if name.hasPrefix("y_") {
                #expect(failure(bytes)?.reason == expected, "\(name)")
            } else {
                #expect(failure(bytes) != nil, "\(name)")
            }
            judged += 1
        }
        #expect(judged == 95 + 188)
    }

    @Test func `writes what it accepts so that it reads the same again`() throws {
        guard let names = Shared.names(in: Self.suite) else { return Shared.skipped("JSONTestSuite") }
        for name in names {
            let bytes = try #require(Shared.file(Self.suite + "/" + name))
            guard let document = try? JSONDocument(parsing: bytes) else { continue }
            let written = document.encoded(document.root)
            let again = try JSONDocument(parsing: written)
            #expect(again.value(again.root) == document.value(document.root), "\(name)")
            #expect(again.encoded(again.root) == written, "\(name)")
            #expect(document.value(document.root).encoded() == written, "\(name)")
        }
    }

    /// These are well-formed, and refused because they are no message: the MCP room's business.
    private static let judgedAsMessages: Set<ByteString> = [
        "near_dup_case_only_capital", "nest_object_64", "scalar_string", "scalar_null",
    ]

    @Test func `agrees with the verdicts of the differential cases`() throws {
        guard let bytes = Shared.file("corpora/json/interop.json") else { return Shared.skipped("interop.json") }
        var limits = JSONLimits()
        limits.values = 2_000_000
        let corpus = try JSONDocument(parsing: bytes, limits: limits)
        let cases = corpus.elements(of: try #require(corpus.member("cases", of: corpus.root)))
        var judged = 0
        #expect(cases.count > 150)
        for item in cases {
            let item = corpus.value(item)
            let name = try #require(item["name"]?.stringValue)
            let verdict = try #require(item["proxy"]?.stringValue)
            let body = try #require(message(in: item))
            if item["group"]?.stringValue == "jsonrpc" || Self.judgedAsMessages.contains(name) {
                if item["rfc8259"]?.stringValue == "valid" { #expect(failure(body) == nil, "\(name)") }
            } else if verdict == "accept" || verdict == "reject" {
                #expect(
                    (failure(body) == nil) == (verdict == "accept"), "\(name): \(String(describing: failure(body)))")
            }
            if item["rfc8259"]?.stringValue == "invalid" { #expect(failure(body) != nil, "\(name)") }
            judged += 1
        }
        #expect(judged == cases.count)
    }

    private func failure(_ bytes: [UInt8]) -> JSONFailure? {
        do throws(JSONFailure) {
            _ = try JSONDocument(parsing: bytes)
            return nil
        } catch {
            return error
        }
    }

    private func message(in item: JSONValue) -> [UInt8]? {
        if let raw = item["raw_base64"]?.stringValue { return Base64.decode(raw) }
        guard case .array(let parts)? = item["parts"] else { return nil }
        var body: [UInt8] = []
        for part in parts {
            guard let text = part["base64"]?.stringValue, let piece = Base64.decode(text),
                case .number(let times)? = part["times"], let times = Int(times.text)
            else { return nil }
            for _ in 0..<times { body += piece }
        }
        return body
    }
}
