import Bytes
import JSON
import MCP
import Testing

@testable import Upstream

@Suite struct `A message into a program` {
    private func line(_ text: String, as number: Int?) throws -> String {
        String(decoding: try #require(PipedMessage(Array(text.utf8))).line(as: number), as: UTF8.self)
    }

    @Test func `goes under a number of the process, its progress too, and otherwise as it is`() throws {
        let text =
            #"{"jsonrpc":"2.0","id":"a\nb","method":"tools/call","params":{"name":"x","arguments":{"id":1.50},"_meta":{"progressToken":"t","y":2}}}"#
        #expect(
            try line(text, as: 7)
                == #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":{"id":1.50},"_meta":{"progressToken":7,"y":2}}}"#
                + "\n")
    }

    @Test func `is one line whatever it holds`() throws {
        let text = "{\"jsonrpc\":\"2.0\",\n \"method\":\"notifications/initialized\",\r\n\"params\":{\"x\":\"a\\nb\"}}"
        let line = try line(text, as: nil)
        #expect(line.utf8.filter { $0 == 0x0A || $0 == 0x0D }.count == 1)
    }

    @Test func `cancels the request by its number`() throws {
        let text = #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a","reason":"r"}}"#
        #expect(try #require(PipedMessage(Array(text.utf8))).cancelled == RequestID(text: "a"))
        #expect(
            try line(text, as: 3)
                == #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3,"reason":"r"}}"# + "\n"
        )
    }

    @Test func `that answers the program keeps the program's id`() throws {
        let text = #"{"jsonrpc":"2.0","id":5,"result":{}}"#
        #expect(try line(text, as: nil) == text + "\n")
    }
}

@Suite struct `A message from a program` {
    private let id = RequestID(text: "mine")
    private let token = RequestID(text: "token")

    private func message(_ text: String) throws -> ServerMessage {
        try ServerMessage(parsing: Array(text.utf8), limits: .standard)
    }

    @Test(arguments: [
        (#"{"jsonrpc":"2.0","id":7,"result":{"n":1.0}}"#, 7, #"{"jsonrpc":"2.0","id":"mine","result":{"n":1.0}}"#),
        (
            #"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m"}}"#, 7,
            #"{"jsonrpc":"2.0","id":"mine","error":{"code":1,"message":"m"}}"#
        ),
        (
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":1}}"#, 7,
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"token","progress":1}}"#
        ),
        (
            #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7}}}"#,
            7,
            #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"mine"}}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":7,"result":{"_meta":{"io.modelcontextprotocol/subscriptionId":7}}}"#, 7,
            #"{"jsonrpc":"2.0","id":"mine","result":{"_meta":{"io.modelcontextprotocol/subscriptionId":"mine"}}}"#
        ),
    ])
    func `finds its request by the number, and gets the client's own id again`(
        text: String, number: Int, restored: String
    )
        throws
    {
        let message = try message(text)
        #expect(message.number == number)
        #expect(String(decoding: message.restored(id: id, token: token), as: UTF8.self) == restored)
    }

    @Test(arguments: [
        #"{"jsonrpc":"2.0","id":"7","result":{}}"#, #"{"jsonrpc":"2.0","error":{"code":1,"message":"m"}}"#,
        #"{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage"}"#,
        #"{"jsonrpc":"2.0","method":"notifications/message","params":{"progressToken":7}}"#,
    ])
    func `that names no request of ours belongs to none`(text: String) throws {
        #expect(try message(text).number == nil)
    }
}

@Suite struct `A line of complaint` {
    @Test func `is logged without the secrets in it`() {
        let secrets = ["abcd", "abcdef", "xy"].map { Array($0.utf8) }
        let clean = { String(decoding: ProgramComplaints.without(secrets, Array(($0 as String).utf8)), as: UTF8.self) }
        #expect(clean("a abcdef b abcdabcd") == "a [secret] b [secret][secret]")
        // Too short to be told from other words.
        #expect(clean("xy abc") == "xy abc")
    }
}
