import Bytes
import JSON

/// The JSON-RPC answers that Komainu writes itself; each carries the id that was asked with (never `null`, never none when
/// one is known: clients hang on an answer they cannot match).
public enum Answer {
    /// An error answer.
    ///
    /// - Parameters:
    ///   - id: the request's id; `nil` leaves the member out (MCP forbids `null`).
    ///   - code: outside -32768...-32000 for what JSON-RPC and MCP do not define.
    ///   - data: encoded JSON for `error.data`.
    public static func error(id: RequestID?, code: Int, message: String, data: [UInt8]? = nil) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("jsonrpc")
        writer.string("2.0")
        if let id {
            writer.key("id")
            writer.raw(id.encoded.bytes)
        }
        writer.key("error")
        writer.beginObject()
        writer.key("code")
        writer.int(code)
        writer.key("message")
        writer.string(message)
        if let data {
            writer.key("data")
            writer.raw(data)
        }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    /// A result answer around encoded JSON.
    public static func result(id: RequestID, _ result: [UInt8]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("jsonrpc")
        writer.string("2.0")
        writer.key("id")
        writer.raw(id.encoded.bytes)
        writer.key("result")
        writer.raw(result)
        writer.endObject()
        return writer.bytes
    }

    /// The result of a tool that failed, or was refused: `isError`, with a sentence the model can read.
    ///
    /// - Parameter isStateless: whether it is an answer of 2026-07-28, where every result says of which type it is.
    public static func toolError(
        id: RequestID, text: String, meta: [UInt8]? = nil, isStateless: Bool = false
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if isStateless {
            writer.key("resultType")
            writer.string("complete")
        }
        writer.key("content")
        writer.beginArray()
        writer.beginObject()
        writer.key("type")
        writer.string("text")
        writer.key("text")
        writer.string(text)
        writer.endObject()
        writer.endArray()
        writer.key("isError")
        writer.bool(true)
        if let meta {
            writer.key("_meta")
            writer.raw(meta)
        }
        writer.endObject()
        return result(id: id, writer.bytes)
    }
}
