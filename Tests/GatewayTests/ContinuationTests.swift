import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Reactor
import Testing

@testable import Gateway

/// Results that ask for input, and the requests that go on from them (2026-07-28, `basic/patterns/mrtr`).
@Suite struct `A result that asks for input` {
    private static let capabilities = #"{"elicitation":{"form":{}},"sampling":{},"roots":{}}"#

    private static func asking(_ requests: String, state: String? = "vendor-state") -> Reply {
        let state = state.map { #","requestState":"\#($0)""# } ?? ""
        return .result(#"{"resultType":"input_required","inputRequests":\#(requests)\#(state)}"#)
    }

    private static let form = """
        {"who":{"method":"elicitation/create","params":{"mode":"form","message":"Is it ada@example.com?",\
        "requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}},"hint":"h"}}}
        """

    @Test func `goes on with the server's own state, and with nothing that was not asked`() async throws {
        let trail = try await House.run { house in
            try await house.knowing()
            house.server.on("tools/call", Self.asking(Self.form))
            let client = house.wideGuest()
            let asked = await client.send(.call("list_apps", #"{"a":1,"b":2}"#, capabilities: Self.capabilities))
            #expect(asked.result?["resultType"] == "input_required")
            #expect(!asked.text.contains("vendor-state"))
            #expect(!asked.text.contains("ada@example.com"))
            let state = try #require(asked.result?["requestState"]?.stringValue)
            house.server.on("tools/call", .result(#"{"resultType":"complete","content":[]}"#))
            let more =
                #","inputResponses":{"who":{"action":"accept","content":{"name":"Ada"}},"other":{}},"requestState":"\#(state.text)""#
            // The order of members is the client's own business.
            let answer = await client.send(
                .call("list_apps", #"{"b":2,"a":1}"#, more: more, capabilities: Self.capabilities))
            #expect(answer.result?["resultType"] == "complete")
            let sent = try #require(house.server.received.last?.json["params"])
            #expect(sent["requestState"] == "vendor-state")
            #expect(sent["inputResponses"] == ["who": ["action": "accept", "content": ["name": "Ada"]]])
        }
        #expect(!trail.text.contains("vendor-state"))
        #expect(trail.outcomes == ["ok", "ok", "ok"])
    }

    @Test func `without a state of the server's gets one of ours, which the server never sees`() async throws {
        try await House.run { house in
            try await house.knowing()
            house.server.on("tools/call", Self.asking(Self.form, state: nil))
            let client = house.wideGuest()
            let asked = await client.send(.call("list_apps", capabilities: Self.capabilities))
            let state = try #require(asked.result?["requestState"]?.stringValue)
            await client.send(
                .call(
                    "list_apps",
                    more: #","inputResponses":{"who":{"action":"decline"}},"requestState":"\#(state.text)""#,
                    capabilities: Self.capabilities))
            let sent = try #require(house.server.received.last?.json["params"])
            #expect(sent["requestState"] == nil)
            #expect(sent["inputResponses"]?["who"] != nil)
        }
    }

    /// `BASE` is the state that the call `list_apps {"a":1}` of the wide endpoint's guest was given.
    @Test(arguments: [
        ("another tool", #"{"name":"list_users","arguments":{"a":1},"requestState":"BASE"}"#, false),
        ("other arguments", #"{"name":"list_apps","arguments":{"a":2},"requestState":"BASE"}"#, false),
        ("no arguments", #"{"name":"list_apps","requestState":"BASE"}"#, false),
        ("a changed state", #"{"name":"list_apps","arguments":{"a":1},"requestState":"BASE-TAMPERED"}"#, false),
        ("the server's own", #"{"name":"list_apps","arguments":{"a":1},"requestState":"vendor-state"}"#, false),
        ("no text", #"{"name":"list_apps","arguments":{"a":1},"requestState":7}"#, false),
        ("answers without a state", #"{"name":"list_apps","arguments":{"a":1},"inputResponses":{}}"#, false),
        (
            "answers of no shape",
            #"{"name":"list_apps","arguments":{"a":1},"inputResponses":[],"requestState":"BASE"}"#, false
        ),
        ("another caller", #"{"name":"list_apps","arguments":{"a":1},"requestState":"BASE"}"#, true),
    ])
    func `gives a state that is good for the same caller and request alone`(
        _ name: Comment, _ params: String, _ isOther: Bool
    ) async throws {
        let trail = try await House.run { house in
            try await house.knowing()
            house.server.on("tools/call", Self.asking(Self.form))
            let client = house.wideGuest()
            let asked = await client.send(.call("list_apps", #"{"a":1}"#, capabilities: Self.capabilities))
            let state = try #require(asked.result?["requestState"]?.stringValue)
            house.server.forget()
            let other = isOther ? Client(house, path: ByteString("/mcp/" + house.open.secret.text)) : client
            let answer = await other.send(
                Stateless(
                    "tools/call", params.replacing("BASE", with: state.text), capabilities: Self.capabilities))
            #expect(answer.status == 400, name)
            #expect(answer.code == "-32602", name)
            #expect(!answer.isToolError, name)
            #expect(house.server.received.isEmpty, name)
        }
        #expect(trail.of("request.refused").words == ["request_state"])
    }

    @Test func `ends with the token that it was given under`() async throws {
        try await House.run { house in
            let short = try house.endpoint("short", EndpointConfig(policy: "wide"), ttl: 0.6)
            let client = Client(house, path: ByteString("/mcp/" + short.secret.text))
            try await house.knowing()
            house.server.on("tools/call", Self.asking(Self.form))
            let asked = await client.send(.call("list_apps", capabilities: Self.capabilities))
            #expect(asked.result?["requestState"] != nil)
            await house.loop.sleep(for: .milliseconds(700))
            let late = await client.send(.call("list_apps", capabilities: Self.capabilities))
            #expect(late.status == 404)
        }
    }

    /// Nothing that policy closes is asked, nor what the client never said that it could answer.
    @Test(arguments: [
        (#"{"k":{"method":"elicitation/create","params":{"message":"x"}}}"#, "{}", true),
        (
            #"{"k":{"method":"elicitation/create","params":{"mode":"url","message":"x","url":"https://x.example"}}}"#,
            #"{"elicitation":{"form":{}}}"#, true
        ),
        (#"{"k":{"method":"roots/list"}}"#, #"{"sampling":{}}"#, true),
        (#"{"k":{"method":"tools/call"}}"#, #"{"sampling":{}}"#, true),
        (
            #"{"a":{"method":"sampling/createMessage","params":{}},"k":{"method":"roots/list"}}"#, #"{"sampling":{}}"#,
            true
        ),
        (#"{"k":{"method":"elicitation/create","params":{"message":"x"}}}"#, #"{"elicitation":{}}"#, false),
    ])
    func `that is closed reaches no client`(_ requests: String, _ capabilities: String, _ isOpen: Bool) async throws {
        let trail = try await House.run { house in
            try await house.knowing()
            house.server.on("tools/call", Self.asking(requests))
            // The open policy opens sampling and no elicitation.
            let client = isOpen ? house.wideGuest() : house.guest()
            let answer = await client.send(.call("list_apps", capabilities: capabilities))
            #expect(answer.status == 200)
            #expect(answer.isToolError)
            #expect(answer.result?["resultType"] == "complete")
            #expect(answer.result?["inputRequests"] == nil)
            #expect(answer.decision == "input_closed")
        }
        #expect(trail.outcomes.last == "blocked")
        #expect(trail.of("request.refused").words == ["server_request"])
    }

    @Test func `of a prompt or a resource is judged in the same way, and of a list there is none`() async throws {
        try await House.run { house in
            let form = #"{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}"#
            for (method, params) in [
                ("prompts/get", #"{"name":"greet"}"#), ("resources/read", #"{"uri":"torii://docs/a"}"#),
            ] {
                house.server.on(method, .result(form))
                let closed = await house.guest().send(Stateless(method, params))
                #expect(closed.code == "53031")
                #expect(closed.json["result"] == nil)
                let open = await house.wideGuest().send(Stateless(method, params, capabilities: #"{"roots":{}}"#))
                #expect(open.result?["inputRequests"]?["k"] != nil)
                #expect(open.result?["requestState"] != nil)
            }
            house.server.on("tools/list", .result(form))
            #expect(await house.wideGuest().send(Stateless("tools/list")).json["result"] == nil)
        }
    }

    @Test func `with a state alone asks nothing, and goes on under every policy`() async throws {
        try await House.run { house in
            try await house.knowing()
            house.server.on("tools/call", .result(#"{"resultType":"input_required","requestState":"later"}"#))
            let client = house.adaAtTheDoor()
            let asked = await client.send(.call("list_apps"))
            let state = try #require(asked.result?["requestState"]?.stringValue)
            await client.send(.call("list_apps", more: #","requestState":"\#(state.text)""#))
            #expect(house.server.received.last?.json["params"]?["requestState"] == "later")
        }
    }

    @Test func `is judged from the start when it goes on`() async throws {
        let trail = try await House.run { house in
            try await house.knowing()
            let client = house.wideGuest()
            house.server.on("tools/call", Self.asking(Self.form))
            let asked = await client.send(.call("list_apps", capabilities: Self.capabilities))
            let state = try #require(asked.result?["requestState"]?.stringValue)
            house.server.forget()
            // The tool is withdrawn meanwhile.
            house.server.on("tools/list", .result(#"{"tools":[]}"#))
            house.book.isOutdated()
            let answer = await client.send(
                .call("list_apps", more: #","requestState":"\#(state.text)""#, capabilities: Self.capabilities))
            #expect(answer.code == "-32602")
            #expect(house.server.received.map(\.method) == ["tools/list"])
        }
        #expect(trail.of("call.denied").words == ["tool_unlisted"])
    }
}
