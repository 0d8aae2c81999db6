import Bytes
import HTTP
import KomainuTesting
import Reactor
import Testing

@testable import Gateway
@testable import Upstream

/// The answer to `callSeven`.
let answerToSeven = #"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"done"}]}}"#

/// A tool call under the id 7.
func callSeven(_ meta: String = "{}") -> String {
    #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_apps","_meta":\#(meta)}}"#
}

extension Client {
    /// Calls a tool whose answer the test streams.
    func streaming(
        _ answer: ScriptedAnswer, meta: String = "{}", stopsReading: Bool = false
    ) async -> MemoryExchange {
        house.server.on("tools/call", .stream(answer))
        let exchange = exchange(.post, callSeven(meta))
        exchange.stopsReading = stopsReading
        _ = begin(exchange)
        await eventually { exchange.isStream }
        return exchange
    }

    /// Opens the session's own stream.
    func listening(_ answer: ScriptedAnswer) async -> MemoryExchange {
        house.server.on("GET", .stream(answer))
        let exchange = begin(exchange(.get))
        await eventually { exchange.isStream }
        return exchange
    }
}
