import Bytes
import HTTP
import JSON
import KomainuTesting
import Reactor
import Testing
import Upstream

@testable import Gateway

@Suite struct `A notification` {
    @Test(
        arguments: [
            ("notifications/initialized", true), ("notifications/roots/list_changed", false),
            ("notifications/progress", false), ("notifications/tasks/status", false), ("notifications/vendor", false),
            ("notifications/message", false), ("notifications/sampling/createMessage", false),
        ])
    func `is answered with 202 whatever becomes of it`(_ method: String, _ isForwarded: Bool) async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = await client.notify(method, #"{"name":"list_apps"}"#)
            #expect(answer.status == 202)
            #expect(answer.body.isEmpty)
            #expect(house.server.calls == (isForwarded ? [method] : []))
        }
        #expect(trail.of("call.intent").count == trail.of("call.outcome").count)
    }

    @Test(arguments: [202, 200, 204, 400, 404, 500])
    func `is answered with 202 whatever the server says`(_ status: Int) async throws {
        let trail = try await House.run { house in
            let client = house.adaAtTheDoor()
            try await client.initialize()
            house.server.on("notifications/initialized", .body("", type: nil, status: status))
            let answer = await client.notify("notifications/initialized")
            #expect(answer.status == 202)
            #expect(answer.body.isEmpty)
        }
        #expect(trail.outcomes.last == (status < 300 ? "ok" : "upstream_error"))
        #expect(trail.of("call.outcome").last?["out.http"] == "\(status)")
    }

    @Test func `is answered with 202 when the server is down`() async throws {
        let trail = try await House.run { house in
            let client = house.adaAtTheDoor()
            try await client.initialize()
            house.server.on("notifications/initialized", .fails(.refused))
            let answer = await client.notify("notifications/initialized")
            #expect(answer.status == 202)
            #expect(answer.body.isEmpty)
        }
        #expect(trail.outcomes.last == "upstream_error")
        #expect(trail.codes == ["upstream_refused"])
    }

    @Test func `cancels only what is under way in its own conversation`() async throws {
        let trail = try await House.run { house in
            let ada = try await house.conversing()
            let bob = try await house.conversing(house.bobAtTheDoor())
            let answer = ScriptedAnswer()
            house.server.on("tools/call", .stream(answer))
            house.server.forget()
            let call = ada.begin(
                ada.exchange(.post, #"{"jsonrpc":"2.0","id":70,"method":"tools/call","params":{"name":"list_apps"}}"#))
            await eventually { call.isStream }
            #expect(await bob.notify("notifications/cancelled", #"{"requestId":70}"#).status == 202)
            for id in ["71", "\"70\"", "null", "70.0", "[70]"] {
                #expect(await ada.notify("notifications/cancelled", #"{"requestId":\#(id)}"#).status == 202)
            }
            #expect(await ada.notify("notifications/cancelled").status == 202)
            #expect(house.server.calls == ["tools/call"])
            #expect(await ada.notify("notifications/cancelled", #"{"requestId":70,"reason":"bored"}"#).status == 202)
            #expect(house.server.calls == ["tools/call", "notifications/cancelled"])
            answer.end()
            await eventually { call.isFinished }
            #expect(await ada.notify("notifications/cancelled", #"{"requestId":70}"#).status == 202)
            #expect(house.server.calls.count == 2)
        }
        #expect(trail.of("request.refused").words.count == 8)
    }
}

@Suite struct `A gateway` {
    @Test func `makes no more calls at once than it may`() async throws {
        let trail = try await House.run({ $0.rules = { $0.occupancy.calls = 1 } }) { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            house.server.on("tools/call", .stream(answer))
            let first = client.begin(client.exchange(.post, client.calling("list_apps")))
            await eventually { first.isStream }
            let second = await client.call("list_apps")
            #expect(second.status == 503)
            #expect(second.code == "53008")
            #expect(second.id != nil)
            #expect(second.fields["retry-after"] == "5")
            #expect(await house.bobAtTheDoor().ask("initialize", Client.hello).status == 503)
            answer.end()
            await eventually { first.isFinished }
            await eventually { house.loop.liveTasks == 1 }
            #expect(await client.ask("ping").status == 200)
        }
        #expect(trail.of("request.refused").words == ["occupied", "occupied"])
    }

    @Test func `keeps no more streams than it may, of one principal and of all`() async throws {
        try await House.run({
            $0.rules = {
                $0.occupancy.streamsPerPrincipal = 1
                $0.occupancy.streams = 2
            }
        }) { house in
            house.server.on("GET") { _ in .stream(ScriptedAnswer()) }
            var streams: [MemoryExchange] = []
            for _ in 0..<2 {
                let client = try await house.conversing()
                streams.append(client.begin(client.exchange(.get)))
            }
            await eventually { streams[0].isStream && streams[1].status != nil }
            #expect(streams[1].status == 503)
            let bob = try await house.conversing(house.bobAtTheDoor())
            let guest = try await house.conversing(house.guest())
            for client in [bob, guest] { streams.append(client.begin(client.exchange(.get))) }
            await eventually { streams[2].isStream && streams[3].status != nil }
            #expect(streams[3].status == 503)
            for stream in streams { stream.leave() }
            await eventually { house.gateway.occupancy.streams == 0 }
        }
    }

    @Test func `that stops refuses what is new, and ends its streams`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            house.server.on("GET", .stream(ScriptedAnswer()))
            let stream = client.begin(client.exchange(.get))
            let answer = ScriptedAnswer()
            house.server.on("tools/call", .stream(answer))
            let call = client.begin(
                client.exchange(.post, #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_apps"}}"#)
            )
            await eventually { stream.isStream && call.isStream }
            house.gateway.drain()
            await eventually { stream.isFinished || stream.wasCut }
            let refused = await client.ask("ping")
            #expect(refused.status == 503)
            #expect(refused.fields["retry-after"] == "5")
            // What is under way comes to its end.
            answer.send(event: #"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#)
            await eventually { call.isFinished }
            #expect(call.data.count == 1)
        }
        #expect(trail.words == ["draining"])
        #expect(trail.outcomes.suffix(2).contains("ok"))
    }
}
