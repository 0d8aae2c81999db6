import HTTP
import KomainuTesting
import Testing

@Suite struct `The tests of llhttp` {
    @Test func `agree with us about requests, but for the listed cases`() throws {
        guard let cases = HTTPCorpus.llhttp() else { return Shared.skipped("llhttp.json") }
        let requests = cases.filter { $0.type == "request" }
        #expect(requests.count > 100)
        let disagreements = requests.filter { test in
            let seen = Conversation(test.hasHost ? test.bytes : withHost(test.bytes), inPiecesOf: 1 << 20)
            return !agrees(test, accepted: seen.failure == nil, isIncomplete: seen.isIncomplete)
        }
        try expect(disagreements.map(\.name), areListedFor: "request")
    }

    @Test func `agree with us about responses, but for the listed cases`() throws {
        guard let cases = HTTPCorpus.llhttp() else { return Shared.skipped("llhttp.json") }
        let responses = cases.filter { $0.type == "response" }
        #expect(responses.count > 60)
        let disagreements = responses.filter { test in
            let seen = Answer(test.bytes, inPiecesOf: 1 << 20)
            let isIncomplete = seen.failure?.reason == .truncated
            return !agrees(test, accepted: seen.failure == nil || isIncomplete, isIncomplete: isIncomplete)
        }
        try expect(disagreements.map(\.name), areListedFor: "response")
    }

    /// A pause is an upgrade, which we do not take part in: the request goes on as if none had been asked for. A message
    /// that is not complete is not forwarded, which is as good as a refusal.
    private func agrees(_ test: HTTPCorpus.LLHTTPCase, accepted: Bool, isIncomplete: Bool) -> Bool {
        switch test.strict {
        case "ok": accepted
        case "error": !accepted || isIncomplete
        default: true
        }
    }

    /// The list is exact: a case that agrees by now must leave it.
    private func expect(_ names: [String], areListedFor type: String) throws {
        let repository = try #require(Shared.repository)
        let file = try #require(Shared.contents(of: repository + "/Tests/HTTPTests/Cases/llhttp.txt"))
        let listed = String(decoding: file, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { $0.split(separator: "|").map { $0.trimmed } }.filter { $0.first == type }.map { $0[1] }
        for name in names where !listed.contains(name) { Issue.record("\(type): \(name) is not listed") }
        for name in listed where !names.contains(name) { Issue.record("\(type): \(name) is listed, but agrees") }
    }

    /// llhttp does not ask for Host.
    private func withHost(_ bytes: [UInt8]) -> [UInt8] {
        guard let start = bytes.firstIndex(where: { $0 > 0x20 }),
            let end = bytes[start...].firstIndex(of: 0x0a), bytes[..<end].contains(0x48)
        else { return bytes }
        return bytes[...end] + Array("Host: example.com\r\n".utf8) + bytes[(end + 1)...]
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
