import Bytes
import HTTP
import Testing

@Suite struct `A media type` {
    @Test(arguments: [
        "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8",
        "application/json ; charset=\"utf-8\"", "application/json; x=\"a\\\"; b\"; charset=\"ut\\f-8\"",
    ])
    func `is JSON however it is written`(_ text: String) throws {
        #expect(try #require(MediaType(ByteString(text))).isJSON)
    }

    @Test(arguments: [
        "application/json; charset=utf-16", "application/json; charset=ibm037", "text/json", "application/jsonx",
        "application/json+x", "text/plain", "application/json; charset=utf8", "application/json; charset=\"utf-8 \"",
    ])
    func `is not JSON when another reader could see another text`(_ text: String) throws {
        #expect(try !#require(MediaType(ByteString(text))).isJSON)
    }

    @Test(arguments: [
        "", "application", "application/", "/json", "application/json;", "application/json; charset",
        "application/json; charset=", "application/json; charset=\"utf-8", "application/json, text/plain",
        "application/json; charset=utf-8; charset=utf-16", "application/json charset=utf-8", "application /json",
        " application/json", "application/json; charset = utf-8", "application/json; a=\"\u{1}\"",
        "application/json; a=b c",
    ])
    func `is none when it is not well formed`(_ text: String) {
        #expect(MediaType(ByteString(text)) == nil)
    }

    @Test func `gives its parameters`() throws {
        let type = try #require(MediaType("Multipart/Form-Data; Boundary=\"A b\"; x=Y"))
        #expect(type.type == "multipart" && type.subtype == "form-data")
        #expect(type.parameter("boundary") == "A b" && type.parameter("x") == "Y" && type.parameter("y") == nil)
        #expect(try #require(MediaType("text/event-stream;charset=utf-8")).isEventStream)
        #expect(try !#require(MediaType("text/event-stream;charset=latin1")).isEventStream)
    }
}
