import Bytes
import Catalog
import Identity
import JSON
import MCP
import Testing

@testable import Gateway
@testable import Policy

@Suite struct `A page of tools that was served` {
    private let pages = ServedPages(byteLimit: 4096)

    private func key(_ revision: Int = 1, rules: [Int] = [0], policy: ByteString = "p") -> ServedPages.Key {
        ServedPages.Key(policy: policy, view: CallerView(rules: rules, selection: .everything), revision: revision)
    }

    private func keep(_ vendors: String, as served: String, id: String, _ key: ServedPages.Key) throws {
        let bytes = Array(vendors.utf8)
        pages.keep(
            bytes, try JSONDocument(parsing: bytes), servedAs: Array(served.utf8), answering: try self.id(id), key)
    }

    private func find(_ vendors: String, id: String, _ key: ServedPages.Key) throws -> String? {
        pages.find(Array(vendors.utf8), answering: try self.id(id), key).map { String(decoding: $0, as: UTF8.self) }
    }

    private func id(_ text: String) throws -> RequestID {
        let document = try JSONDocument(parsing: Array(text.utf8))
        return try #require(RequestID(document.root, in: document))
    }

    @Test func `is served again under the new id when the server's bytes are the same but for the id`() throws {
        try keep(#"{"jsonrpc":"2.0","id":1,"result":{"tools":[1,2]}}"#, as: #"{"id":1,"result":[1]}"#, id: "1", key())
        let again = try find(#"{"jsonrpc":"2.0","id":"a1","result":{"tools":[1,2]}}"#, id: #""a1""#, key())
        #expect(again == #"{"id":"a1","result":[1]}"#)
    }

    @Test(arguments: [
        (#"{"jsonrpc":"2.0","id":7,"result":{"tools":[1,3]}}"#, "7"),
        (#"{"jsonrpc":"2.0","id":7,"result":{"tools":[1,2]}} "#, "7"),
        (#"{"jsonrpc":"2.0","id":8,"result":{"tools":[1,2]}}"#, "7"),
        (#"{"jsonrpc":"2.0","id":"7","result":{"tools":[1,2]}}"#, "7"),
        (#"{"jsonrpc":"2.0","id":7,"result":{"tools":[1,2]}"#, "7"),
        (#"{"id":7,"jsonrpc":"2.0","result":{"tools":[1,2]}}"#, "7"), ("", "7"),
    ])
    func `is judged anew when anything but the id differs, or the id is not the one that was asked with`(
        bytes: String, id: String
    ) throws {
        try keep(#"{"jsonrpc":"2.0","id":1,"result":{"tools":[1,2]}}"#, as: #"{"id":1,"result":[1]}"#, id: "1", key())
        #expect(try find(bytes, id: id, key()) == nil)
    }

    @Test func `is judged anew for other rules, another policy, and after the book has changed`() throws {
        let page = #"{"jsonrpc":"2.0","id":1,"result":{}}"#
        try keep(page, as: page, id: "1", key())
        #expect(try find(page, id: "1", key()) == page)
        #expect(try find(page, id: "1", key(2)) == nil)
        #expect(try find(page, id: "1", key(rules: [0, 1])) == nil)
        #expect(try find(page, id: "1", key(policy: "q")) == nil)
    }

    @Test(arguments: [
        #"{ "id":1,"result":{}}"#, #"{"id": 1,"result":{}}"#, #"{"id":1 ,"result":{}}"#, #"{"result":{}}"#,
    ])
    func `is not kept where it cannot be told where the id stands`(bytes: String) throws {
        try keep(bytes, as: #"{"id":1}"#, id: "1", key())
        #expect(try find(bytes, id: "1", key()) == nil)
    }

    @Test func `leaves when there is no room, and a page that is too large never enters`() throws {
        func page(_ name: String) -> String {
            #"{"id":1,"result":""# + name + String(repeating: "x", count: 400) + #""}"#
        }
        for name in ["a", "b", "c", "d"] { try keep(page(name), as: page(name), id: "1", key()) }
        #expect(try find(page("a"), id: "1", key()) != nil)
        try keep(page("e"), as: page("e"), id: "1", key())
        #expect(try find(page("a"), id: "1", key()) == nil)
        #expect(try find(page("e"), id: "1", key()) != nil)
        let large = #"{"id":1,"result":""# + String(repeating: "x", count: 1000) + #""}"#
        try keep(large, as: large, id: "1", key())
        #expect(try find(large, id: "1", key()) == nil)
    }
}
