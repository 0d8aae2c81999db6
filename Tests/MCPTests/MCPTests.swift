import Bytes
import JSON
import KomainuTesting
import Testing

@testable import MCP

@Suite struct `A client's message` {
    @Test(arguments: Case.all) func `is what the case file says`(_ item: Case) {
        #expect(item.verdict == item.expected, "\(item.why)")
    }

    @Test func `has cases to be held to`() {
        #expect(Case.all.count > 30)
    }

    @Test func `keeps its id as it was written`() throws {
        let message = try ClientMessage(
            parsing: Array(#"{"jsonrpc":"2.0","id":900719925474099312345,"method":"ping"}"#.utf8))
        #expect(message.id?.encoded == "900719925474099312345")
        let text = try ClientMessage(parsing: Array(#"{"jsonrpc":"2.0","id":"1","method":"ping"}"#.utf8))
        #expect(text.id?.encoded == #""1""#)
    }

    @Test(arguments: [(49_990, true), (50_010, false)])
    func `has no more values than a loop can judge at once`(names: Int, isRead: Bool) {
        let members = (0..<names).map { #""n\#($0)":1"# }.joined(separator: ",")
        let text = #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{\#(members)}}}"#
        let message = try? ClientMessage(parsing: Array(text.utf8))
        #expect((message != nil) == isRead)
    }

    @Test func `names its id in a refusal when the id could be read`() {
        do throws(MessageFailure) {
            _ = try ClientMessage(parsing: Array(#"{"jsonrpc":"2.0","id":9,"method":"ping","params":3}"#.utf8))
            Issue.record("accepted")
        } catch {
            #expect(error.id?.encoded == "9")
            #expect(error.code == -32602)
        }
    }

    @Test func `is judged as the shared interoperability cases demand`() throws {
        guard let bytes = Shared.file("corpora/json/interop.json") else {
            return Shared.skipped("corpora/json/interop.json")
        }
        let document = try JSONDocument(parsing: bytes, limits: .large)
        let cases = try #require(document.member("cases", of: document.root))
        var judged = 0
        document.forEachElement(of: cases) { item in
            func text(_ name: String) -> String {
                document.member(name, of: item).flatMap { document.string($0)?.text } ?? ""
            }
            guard text("group") == "jsonrpc", let raw = Base64.decode(ByteString(text("raw_base64"))) else { return }
            let accepted = isAccepted(raw)
            judged += 1
            switch text("proxy") {
            case "accept": #expect(accepted, "\(text("name"))")
            case "reject": #expect(!accepted, "\(text("name"))")
            default: break
            }
        }
        #expect(judged >= 30)
    }

    private func isAccepted(_ raw: [UInt8]) -> Bool {
        if let message = try? ClientMessage(parsing: raw) {
            return message.method != .toolsCall || (try? ToolCall(message)) != nil
        }
        return (try? ServerMessage(parsing: raw, limits: .standard)) != nil
    }
}

@Suite struct `An answer of our own` {
    @Test func `carries the id that was asked with, and never null`() throws {
        let message = try ClientMessage(parsing: Array(#"{"jsonrpc":"2.0","id":"\u00e9","method":"ping"}"#.utf8))
        let id = try #require(message.id)
        let error = String(decoding: Answer.error(id: id, code: -32601, message: "no"), as: UTF8.self)
        #expect(error == #"{"jsonrpc":"2.0","id":"é","error":{"code":-32601,"message":"no"}}"#)
        let nameless = String(decoding: Answer.error(id: nil, code: -32700, message: "no"), as: UTF8.self)
        #expect(nameless == #"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#)
        let tool = String(decoding: Answer.toolError(id: id, text: "no"), as: UTF8.self)
        #expect(
            tool == #"{"jsonrpc":"2.0","id":"é","result":{"content":[{"type":"text","text":"no"}],"isError":true}}"#)
    }
}

@Suite struct `A method` {
    @Test func `is known by its exact bytes`() {
        #expect(Method("tools/call") == .toolsCall)
        #expect(Method("Tools/call") == .other("Tools/call"))
        #expect(Method.toolsChanged.name == "notifications/tools/list_changed")
    }
}

/// One line of `Cases/envelopes.json`.
struct Case: Sendable, CustomTestStringConvertible {
    let why: String
    let body: [UInt8]
    let expected: String

    var testDescription: String { why }

    var verdict: String {
        do throws(MessageFailure) {
            switch try ClientMessage(parsing: body).shape {
            case .request: return "request"
            case .notification: return "notification"
            case .response: return "response"
            }
        } catch {
            return error.word
        }
    }

    static let all: [Case] = {
        guard let bytes = Cases.read("envelopes.json", beside: #filePath),
            let document = try? JSONDocument(parsing: bytes)
        else { return [] }
        return document.elements(of: document.root).map { item in
            func text(_ name: String) -> ByteString {
                document.member(name, of: item).flatMap { document.string($0) } ?? ""
            }
            return Case(why: text("why").text, body: text("body").bytes, expected: text("is").text)
        }
    }()
}

extension JSONLimits {
    fileprivate static var large: JSONLimits {
        var limits = JSONLimits()
        limits.bytes = 64 << 20
        return limits
    }
}

@Suite struct `A value in a header field` {
    @Test(arguments: [
        ("list_apps", "list_apps"), ("two words", "two words"), ("süd", "=?base64?c8O8ZA==?="),
        (" padded", "=?base64?IHBhZGRlZA==?="), ("", "=?base64??="), ("line\nend", "=?base64?bGluZQplbmQ=?="),
        ("=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="),
    ])
    func `stands as it is only when nobody could read it otherwise`(value: String, field: String) {
        #expect(MirroredText.encode(ByteString(value)) == ByteString(field))
        #expect(MirroredText.decode(ByteString(field)) == ByteString(value))
    }
}
