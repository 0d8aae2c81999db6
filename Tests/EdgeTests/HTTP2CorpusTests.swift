import Bytes
import JSON
import KomainuTesting
import Reactor
import System
import Testing

@Suite struct `The corpus of HTTP/2 frames` {
    /// What `run_cases.py` does: each case on a connection of its own.
    @Test(.timeLimit(.minutes(3))) func `is answered as expected, every must of it`() async throws {
        guard let cases = HTTP2Case.all() else { return Shared.skipped("corpora/http2/cases.json") }
        try await House.with { house in
            var failures: [(HTTP2Case, String)] = []
            for test in cases {
                if let verdict = await test.run(house) { failures.append((test, verdict)) }
            }
            print("HTTP/2 corpus: \(cases.count - failures.count) of \(cases.count)")
            for (test, verdict) in failures { Issue.record("\(test.name): \(verdict)") }
        }
    }
}

/// A case of `corpora/http2/cases.json`.
struct HTTP2Case {
    let name: String
    let hasPreamble: Bool
    let parts: [(bytes: [UInt8], times: Int)]
    let kind: String
    let codes: [String]
    let allowed: [String]
    let stream: Int
    let body: [UInt8]?

    static func all() -> [HTTP2Case]? {
        guard let bytes = Shared.file("corpora/http2/cases.json"), let document = try? JSONDocument(parsing: bytes),
            case .array(let elements)? = document.value(document.root)["cases"]
        else { return nil }
        return elements.compactMap(HTTP2Case.init)
    }

    init?(_ value: JSONValue) {
        guard let expected = value["expect"], let name = value["name"]?.stringValue else { return nil }
        self.name = (value["group"]?.stringValue?.text ?? "") + "/" + name.text
        hasPreamble = value["preamble"] == .bool(true)
        parts = Self.array(value["send"]).map { part in
            (Base64.decode(part["base64"]?.stringValue ?? "") ?? [], Self.integer(part["times"]) ?? 1)
        }
        kind = expected["kind"]?.stringValue?.text ?? ""
        codes = Self.array(expected["codes"]).compactMap { $0.stringValue?.text }
        allowed = Self.array(expected["allow"]).compactMap { $0.stringValue?.text }
        stream = Self.integer(expected["stream"]) ?? 0
        body = expected["body"]?.stringValue?.bytes
    }

    private static func array(_ value: JSONValue?) -> [JSONValue] {
        guard case .array(let elements)? = value else { return [] }
        return elements
    }

    private static func integer(_ value: JSONValue?) -> Int? {
        guard case .number(let text)? = value else { return nil }
        return Int(text.text)
    }

    /// Nil when the case passes.
    func run(_ house: House) async -> String? {
        guard let client = try? await house.http2Client() else { return "no connection" }
        let sending = LoopBound(client)
        let wantsPing = kind == "ignored" || allowed.contains("ignored")
        house.loop.spawn {
            if hasPreamble { try? await sending.value.begin() }
            for part in parts {
                var left = part.times
                while left > 0 {
                    let now = max(1, min(left, 65_536 / max(1, part.bytes.count)))
                    try? await sending.value.send(Array(repeatElement(part.bytes, count: now).joined()))
                    left -= now
                }
            }
            if wantsPing { try? await sending.value.send(Frame(.ping, Array("PINGPONG".utf8))) }
        }
        await client.hear(patience: .milliseconds(kind == "bounded" ? 1_500 : 300)) { _ in false }
        client.stream.close()
        return await verdict(client.heard, house)
    }

    private func verdict(_ heard: Heard, _ house: House) async -> String? {
        if kind == "bounded" {
            guard let other = try? await house.http2Client(), (try? await other.begin()) != nil else { return "dead" }
            try? await other.get(1)
            return await other.hear { $0.status[1] == 200 } ? nil : "the server does not answer any more"
        }
        var seen: [String: String] = [:]
        if let code = heard.goAway, code != 0 {
            seen["connection_error"] = Self.name(code)
        } else if heard.isClosed {
            seen["connection_error"] = "closed"
        }
        if let code = heard.reset[stream] { seen["stream_error"] = Self.name(code) }
        if let status = heard.status[stream] {
            if (200..<500).contains(status) { seen["response"] = "\(status)" }
            if (400..<500).contains(status) { seen["4xx"] = "\(status)" }
            if status >= 500 { seen["5xx"] = "\(status)" }
        }
        if heard.pongs > 0 { (seen["ping_ack"], seen["ignored"]) = ("", "") }
        if heard.acknowledged > (hasPreamble ? 1 : 0) { seen["settings_ack"] = "" }
        if allowed.contains(where: { seen[$0] != nil }) { return nil }
        guard let saw = seen[kind] else { return "expected \(kind) \(codes), saw \(seen)" }
        let isError = kind == "connection_error" || kind == "stream_error"
        if isError, !codes.isEmpty, saw != "closed", !codes.contains(saw) { return "\(kind) \(saw), not \(codes)" }
        if kind == "response", let body, heard.status[stream] == 200 {
            let echoed = (try? JSONDocument(parsing: heard.body[stream] ?? [])).flatMap {
                $0.value($0.root)["body_b64"]?.stringValue
            }
            guard echoed?.text == Base64.encode(body) else { return "another body arrived" }
        }
        return nil
    }

    static func name(_ code: Int) -> String {
        let names = [
            "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
            "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
            "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
        ]
        return names.indices.contains(code) ? names[code] : "\(code)"
    }
}
