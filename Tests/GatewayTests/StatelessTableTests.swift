import Bytes
import HTTP
import JSON
import KomainuTesting
import Testing

@testable import Gateway

private func cases(_ file: String) -> [JSONValue] {
    guard let bytes = Cases.read(file, beside: #filePath), let document = try? JSONDocument(parsing: bytes) else {
        return []
    }
    return document.elements(of: document.root).map { document.value($0) }
}

extension JSONValue {
    fileprivate func text(_ name: ByteString) -> String { self[name]?.stringValue?.text ?? "" }
    fileprivate func written(_ name: ByteString) -> String? {
        self[name].map { String(decoding: $0.encoded(), as: UTF8.self) }
    }
}

/// The tables of mcp-protocol sections 2.1 to 2.4 and A3, column 2026-07-28, as case files.
@Suite struct `The stateless revision` {
    @Test func `has these methods, and each is judged so`() async throws {
        let rows = cases("stateless-methods.json")
        #expect(rows.count > 30)
        _ = try await House.run { house in
            try await house.knowing()
            for row in rows {
                for (client, column) in [(house.adaAtTheDoor(), "closed"), (house.wideGuest(), "open")] {
                    try await self.check(row, ByteString(column), house, client)
                }
            }
        }
    }

    private func check(_ row: JSONValue, _ column: ByteString, _ house: House, _ client: Client) async throws {
        let method = row.text("method")
        let name = Comment(rawValue: "\(method) \(row.text("params")) \(column.text)")
        house.server.forget()
        house.server.on(method, .result(#"{"resultType":"complete","supportedVersions":[],"capabilities":{}}"#))
        if method == "tools/list" { house.server.on(method, .result(#"{"tools":[\#(ScriptedServer.tools)]}"#)) }
        let answer = await client.send(Stateless(method, row.text("params")))
        #expect(answer.id == "7", name)
        #expect((house.server.received.count == 1) == (row.text(column) == "pass"), name)
        switch row.text(column) {
        case "pass": #expect(answer.status == 200 && answer.json["error"] == nil && !answer.isToolError, name)
        case "denied": #expect(answer.status == 200 && answer.isToolError, name)
        case "unknown tool": #expect(answer.status == 200 && answer.code == "-32602", name)
        case "method": #expect(answer.status == 404 && answer.code == "-32601", name)
        case "params": #expect(answer.status == 400 && answer.code == "-32602", name)
        case "state":
            #expect(answer.status == 400 && answer.code == "-32602" && answer.decision == "request_state", name)
        case "capability": #expect(answer.status == 400 && answer.code == "-32021", name)
        default: Issue.record(name)
        }
    }

    @Test func `refuses these requests, records them, and sends nothing on`() async throws {
        let rows = cases("stateless-refused.json")
        #expect(rows.count > 35)
        let trail = try await House.run { house in
            try await house.knowing()
            for (number, row) in rows.enumerated() {
                let client = house.wideGuest()
                client.address = ByteString("2001:db8::\(String(number + 1, radix: 16))")
                let name = Comment(rawValue: row.text("name"))
                var fields: [(String, String)] = []
                if case .array(let pairs)? = row["fields"] {
                    fields = pairs.map { ($0[0]?.stringValue?.text ?? "", $0[1]?.stringValue?.text ?? "") }
                }
                let answer = await client.send(row.written("body") ?? "", fields)
                #expect(answer.status.map(String.init) == row.written("status"), name)
                #expect(answer.code == row.written("code"), name)
                #expect(answer.id == (row["id"] == .null ? nil : "7"), name)
                #expect(!answer.fields.contains("mcp-session-id"), name)
            }
            #expect(house.server.received.isEmpty)
        }
        for (number, row) in rows.enumerated() {
            let address = "2001:db8::\(String(number + 1, radix: 16))"
            let records = trail.filter { $0["via.addr"] == address }
            #expect(records.map(\.kind) == ["request.refused"], "\(row.text("name"))")
            #expect(records.first?.word == row.text("word"), "\(row.text("name"))")
        }
    }

    @Test func `lets servers say this, and nothing else`() async throws {
        let rows = cases("stateless-messages.json")
        #expect(rows.count > 40)
        _ = try await House.run { house in
            try await house.knowing()
            for row in rows {
                for (client, column) in [(house.adaAtTheDoor(), "closed"), (house.wideGuest(), "open")] {
                    await self.check(message: row, ByteString(column), house, client)
                }
            }
        }
    }

    private func check(message row: JSONValue, _ column: ByteString, _ house: House, _ client: Client) async {
        let message = row.written("message") ?? ""
        let name = Comment(rawValue: "\(message) on \(row.text("on")), \(column.text)")
        let answer = ScriptedAnswer()
        let isAnswer = row.text("on") == "answer"
        house.server.on(isAnswer ? "tools/call" : "subscriptions/listen", .stream(answer))
        var request = Stateless.call("list_apps")
        request.meta = #","progressToken":"p","io.modelcontextprotocol/logLevel":"info""#
        if !isAnswer {
            request = Stateless(
                "subscriptions/listen",
                #"{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["torii://docs/a"],"taskIds":["t"]}}"#
            )
        }
        let exchange = client.begin(client.exchange(request))
        await eventually(name) { exchange.isStream }
        if !isAnswer {
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{}}}"#
            )
        }
        answer.send(event: message)
        answer.send(event: #"{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","content":[]}}"#)
        await eventually(name) { exchange.isFinished }
        let passes = row[column] == .bool(true)
        #expect(exchange.data.count == (isAnswer ? 1 : 2) + (passes ? 1 : 0), name)
    }
}
