import Bytes
import HTTP
import JSON
import KomainuTesting
import MCP
import Reactor
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

    /// The verdict under the closed policy, or the one that opens most.
    fileprivate func verdict(_ column: String, isOpen: Bool) -> String {
        let both = text(ByteString(column)).split(separator: " ")
        return both.count == 2 ? String(both[isOpen ? 1 : 0]) : "?"
    }
}

private let revisions: [(column: String, version: ProtocolVersion)] = [
    ("b", .v20250326), ("c", .v20250618), ("d", .v20251125),
]

/// The tables of mcp-protocol sections 2.1 to 2.4, columns b, c and d, as case files.
@Suite struct `A revision with a handshake` {
    private func client(_ house: House, _ version: ProtocolVersion, isOpen: Bool) async throws -> Client {
        let client = isOpen ? house.wideGuest() : house.adaAtTheDoor()
        house.server.on(
            "initialize",
            .result(
                #"{"protocolVersion":"\#(version.rawValue)","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}"#
            ))
        try await client.initialize(
            #"{"protocolVersion":"\#(version.rawValue)","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#)
        await client.call("list_apps")
        return client
    }

    @Test(arguments: [false, true])
    func `has these methods, and each is judged so`(_ isOpen: Bool) async throws {
        let rows = cases("legacy-methods.json")
        #expect(rows.count > 40)
        try await House.run { house in
            for (column, version) in revisions {
                let client = try await self.client(house, version, isOpen: isOpen)
                for row in rows {
                    let name = Comment(rawValue: "\(row.text("method")) \(row.text("params")) \(column) \(isOpen)")
                    house.server.forget()
                    try await self.check(row, row.verdict(column, isOpen: isOpen), client, name)
                }
            }
        }
    }

    private func check(_ row: JSONValue, _ verdict: String, _ client: Client, _ name: Comment) async throws {
        let (method, server) = (row.text("method"), client.house.server)
        if method.hasPrefix("notifications/") {
            let answer = await client.notify(method, row.text("params"))
            #expect(answer.status == 202 && answer.body.isEmpty, name)
            #expect(server.calls == (verdict == "passed" ? [method] : []), name)
            return
        }
        let isList = method == "tools/list"
        server.on(method, .result(isList ? #"{"tools":[\#(ScriptedServer.tools)]}"# : #"{"content":[]}"#))
        let answer = await client.ask(method, row.text("params"))
        #expect(answer.status == 200 && answer.id != nil, name)
        #expect(server.received.map(\.method) == (verdict == "pass" ? [method] : []), name)
        switch verdict {
        case "pass": #expect(answer.json["error"] == nil && !answer.isToolError, name)
        case "denied": #expect(answer.isToolError, name)
        case "unknown-tool": #expect(answer.text.contains("Unknown tool") && answer.code == "-32602", name)
        case "method": #expect(answer.code == "-32601", name)
        case "params": #expect(answer.code == "-32602", name)
        default: Issue.record(name)
        }
    }

    @Test(arguments: revisions.map(\.version))
    func `takes one message at a time`(_ version: ProtocolVersion) async throws {
        let trail = try await House.run { house in
            let client = try await self.client(house, version, isOpen: true)
            house.server.forget()
            for batch in [
                "[]", "[\(client.request("ping"))]", "[\(client.request("ping")),\(client.request("ping"))]",
                #"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#,
                #"[{"jsonrpc":"2.0","id":1,"result":{}}]"#,
                "[\(client.request("tools/call", #"{"name":"list_apps"}"#))]",
                #"[[{"jsonrpc":"2.0","id":1,"method":"ping"}]]"#,
            ] {
                let answer = await client.send(batch)
                #expect(answer.status == 400 && answer.code == "-32600", "\(batch)")
            }
            #expect(house.server.received.isEmpty)
        }
        #expect(trail.of("request.refused").count == 7)
    }

    @Test(arguments: [false, true], ["call", "own"])
    func `lets a server say and ask only this`(_ isOpen: Bool, _ stream: String) async throws {
        let rows = cases("legacy-messages.json")
        #expect(rows.count > 45)
        try await House.run { house in
            for (column, version) in revisions {
                for row in rows {
                    let name = Comment(rawValue: "\(row.text("name")) \(column) \(isOpen) \(stream)")
                    let isThere = row.text("revisions").contains(column)
                    let asked = row.text("message").contains(#""id":"s-1""#)
                    let verdict = isThere ? row.verdict(stream, isOpen: isOpen) : asked ? "refuse" : "drop"
                    let client = try await self.client(house, version, isOpen: isOpen)
                    await self.check(row.text("message"), verdict, client, isCall: stream == "call", name)
                }
            }
        }
    }

    private func check(
        _ message: String, _ verdict: String, _ client: Client, isCall: Bool, _ name: Comment
    ) async {
        let (house, answer) = (client.house, ScriptedAnswer())
        let exchange =
            isCall
            ? await client.streaming(answer, meta: #"{"progressToken":"mine"}"#) : await client.listening(answer)
        house.server.forget()
        answer.send(event: message)
        // What comes after it has been judged after it.
        answer.send(event: #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"n":1}}}"#)
        await eventually { exchange.data.last?.contains(#""n":1"#) == true }
        #expect(exchange.data.count == (verdict == "pass" ? 2 : 1), name)
        let posted = house.server.received
        switch verdict {
        case "refuse": #expect(posted.count == 1 && posted.first?.json["error"]?["code"] == -32601, name)
        case "answer": #expect(posted.count == 1 && posted.first?.json["result"] == .object([]), name)
        default: #expect(posted.isEmpty, name)
        }
        if isCall { answer.send(event: answerToSeven) } else { exchange.leave() }
        await eventually { answer.isAborted }
        _ = await client.deleteSession()
    }
}
