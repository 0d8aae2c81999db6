import Bytes
import Edge
import HTTP
import JSON
import KomainuTesting
import Reactor
import System
import Testing

@Suite struct `The corpus of requests over TLS` {
    /// What `run_requests.py` does: every case on a connection of its own; silence counts as not forwarded.
    @Test(.timeLimit(.minutes(2))) func `is answered as expected`() async throws {
        guard let cases = HTTPCorpus.cases("requests.json") else { return Shared.skipped("requests.json") }
        try await House.with { house in
            let score = LoopBound(Score())
            for batch in stride(from: 0, to: cases.count, by: 48) {
                let waiting = LoopBound(Waiting())
                for test in cases[batch..<min(batch + 48, cases.count)] {
                    waiting.value.count += 1
                    house.loop.spawn {
                        score.value.add(test, await talk(test, house))
                        waiting.value.count -= 1
                    }
                }
                while waiting.value.count > 0 { await house.loop.sleep(for: .milliseconds(5)) }
            }
            print("corpus over TLS: \(score.value.passed) of \(cases.count), must failed: \(score.value.mustFailed)")
            #expect(score.value.passed == cases.count)
            // Whatever was refused before a handler saw it was recorded.
            #expect(house.witness.codes.count > 250)
        }
    }

    private final class Waiting { var count = 0 }

    private final class Score {
        var passed = 0
        var mustFailed = 0

        func add(_ test: HTTPCorpus.Case, _ verdict: String?) {
            guard let verdict else { return passed += 1 }
            if test.isMust { mustFailed += 1 }
            Issue.record("\(test): \(verdict)")
        }
    }
}

/// Nil when the case passes.
private func talk(_ test: HTTPCorpus.Case, _ house: House) async -> String? {
    guard let client = try? await house.client() else { return "no connection" }
    // A server that refuses early does not read the rest; that we cannot send it is no failure.
    let sending = LoopBound(client)
    house.loop.spawn { try? await sending.value.send(test.bytes) }
    let (bytes, _) = await client.everything()
    client.stream.close()
    var accepted: [[UInt8]] = []
    var rest = bytes
    var parser = ResponseParser(requestMethod: test.bytes.starts(with: Array("HEAD ".utf8)) ? .head : .get)
    while let (head, consumed) = try? parser.parse(rest.span) {
        rest.removeFirst(consumed)
        if head.status < 200 { continue }
        var decoder = BodyDecoder(framing: head.framing)
        var body: [UInt8] = []
        guard let used = try? decoder.decode(rest.span, into: &body), decoder.isComplete else { return "cut answer" }
        rest.removeFirst(used)
        if head.status < 300 { accepted.append(body) }
    }
    switch test.expected {
    case .reject: return accepted.isEmpty ? nil : "accepted"
    case .accept where accepted.isEmpty: return "refused"
    case .accept, .either:
        guard !accepted.isEmpty, let requests = test.requests else { return nil }
        if accepted.count != requests { return "\(accepted.count) answers" }
        let bodies = accepted.map { body -> [UInt8] in
            guard let document = try? JSONDocument(parsing: body),
                let text = document.value(document.root)["body_b64"]?.stringValue
            else { return [] }
            return Base64.decode(text) ?? []
        }
        return test.bodies == nil || test.bodies == bodies ? nil : "other bodies"
    }
}
