import Bytes
import HTTP
import JSON
import MCP
import Testing

@testable import Bridge

@Suite struct `A field that repeats a value` {
    private func message(_ text: String) throws -> ClientMessage { try ClientMessage(parsing: Array(text.utf8)) }

    @Test func `is sent for messages that claim a revision without a handshake, and for no other`() throws {
        let claim = #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#
        let modern = try message(#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{\#(claim)}}"#)
        #expect(MirroredHeaders.claim(of: modern) == "2026-07-28")
        for text in [
            #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{\#(claim)}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-06-18"}}}"#,
        ] {
            #expect(MirroredHeaders.claim(of: try message(text)) == nil)
        }
    }

    @Test(arguments: [
        ("tools/call", #""name":"a""#, "a"), ("prompts/get", #""name":"b""#, "b"),
        ("resources/read", #""uri":"c:d""#, "c:d"),
        ("tasks/get", #""taskId":"e""#, "e"), ("tools/list", #""name":"f""#, nil),
    ])
    func `names what the method is about`(method: String, member: String, name: String?) throws {
        let text = #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{\#(member)}}"#
        var fields = HeaderFields()
        MirroredHeaders.add(for: try message(text), claiming: "2026-07-28", to: &fields)
        #expect(fields["mcp-method"] == ByteString(method))
        #expect(fields["mcp-name"] == name.map { ByteString($0) })
        #expect(fields["mcp-protocol-version"] == "2026-07-28")
    }
}

@Suite struct `A stream that broke` {
    @Test func `is opened again more slowly each time that nothing comes`() {
        var place = StreamPlace()
        place.note(ServerSentEvent(id: "7", retry: 100))
        let pauses = (0..<5).map { _ in place.nextPause(atMost: .seconds(1)) }
        #expect(
            pauses == [.milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800), .seconds(1)])
        #expect(place.attempts == 5)
        place.note(ServerSentEvent(data: [0x7B]))
        #expect(place.attempts == 0 && place.lastID == "7")
        #expect(place.nextPause(atMost: .seconds(1)) == .milliseconds(100))
    }

    @Test func `waits as long as the server asked for, however long that is`() {
        var place = StreamPlace()
        place.note(ServerSentEvent(retry: 90_000))
        #expect(place.nextPause(atMost: .seconds(30)) == .seconds(90))
    }

    @Test func `forgets its place when the server says so`() {
        var place = StreamPlace()
        place.note(ServerSentEvent(id: "7"))
        place.note(ServerSentEvent(id: ""))
        #expect(place.lastID == nil)
    }
}
