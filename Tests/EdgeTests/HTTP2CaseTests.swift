import Bytes
import Edge
import Reactor
import System
import Testing

@Suite struct `What a client sends over HTTP2` {
    @Test(.timeLimit(.minutes(2))) func `becomes what its case says`() async throws {
        let cases = try HTTP2CaseFile.all()
        #expect(cases.count > 40)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, test) in cases.enumerated() {
                if index >= 6 { try await group.next() }
                group.addTask { try await Self.check(test) }
            }
            try await group.waitForAll()
        }
    }

    private static func check(_ test: HTTP2CaseFile) async throws {
        try await House.with { house in
            let client = try await house.http2Client()
            let sending = LoopBound(client)
            // A server that ends the connection early does not read the rest.
            house.loop.spawn { try? await sending.value.send(test.everything) }
            let expectsEnd = test.expectations.contains { $0[0] == "goaway" }
            let met = await client.hear(patience: .seconds(5)) { heard in
                expectsEnd ? heard.isClosed : test.expectations.allSatisfy { Self.holds($0, heard) }
            }
            let heard = client.heard
            #expect(met, "\(test.name): heard \(heard.frames)")
            for expected in test.expectations where expected[0] != "recorded" {
                #expect(Self.holds(expected, heard), "\(test.name): \(expected), heard \(heard.frames)")
            }
            if !expectsEnd {
                try await client.send(Frame(.ping, Array("STILLON?".utf8)))
                #expect(await client.hear { $0.pongs > 0 }, "\(test.name): the connection lives on")
                #expect(heard.goAway == nil, "\(test.name)")
            }
            await Self.expectRecords(test, house)
        }
    }

    private static func expectRecords(_ test: HTTP2CaseFile, _ house: House) async {
        let reasons = Set(test.expectations.filter { $0[0] == "recorded" }.map { $0[1] })
        // What is summed up comes within a second and a bit.
        for _ in 0..<40 where !reasons.isSubset(of: house.witness.codes) {
            await house.loop.sleep(for: .milliseconds(50))
        }
        let seen = Set(house.witness.codes)
        // Of a flood's first requests some may be refused for another reason.
        let isFlood = reasons.contains("flood")
        #expect(reasons == (isFlood ? seen.intersection(reasons) : seen), "\(test.name)")
    }

    private static func holds(_ expected: [String], _ heard: Heard) -> Bool {
        let numbers = expected.dropFirst().compactMap { Int($0) }
        switch expected[0] {
        case "status": return heard.status[numbers[0]] == numbers[1] && heard.ended.contains(numbers[0])
        case "reset": return heard.reset[numbers[0]] == numbers[1]
        case "goaway": return heard.goAway == numbers[0]
        case "pong": return heard.pongs > 0
        default: return true
        }
    }
}
