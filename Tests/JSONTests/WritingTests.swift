import Bytes
import Testing

@testable import JSON

@Suite struct `Writing JSON anew` {
    @Test(arguments: [
        (" [ 1 , 2 ] ", "[1,2]"), ("{ \"a\" : { } , \"b\" : [ ] }", #"{"a":{},"b":[]}"#), (#""\u0041\/""#, #""A/""#),
        (#"["\u000a\u000A\u0009\u0008\u000c\u000d"]"#, #"["\n\n\t\b\f\r"]"#), (#""\u001F""#, #""\u001f""#),
        (#"{"\u0061":1}"#, #"{"a":1}"#), (#""\u00e9\ud83d\ude00\u2028""#, "\"\u{e9}\u{1f600}\u{2028}\""),
        (#""\u007f""#, "\"\u{7f}\""), ("\t1.0\n", "1.0"), (#""\u0022\u005c""#, #""\"\\""#),
        ("\"\\u0000\"", "\"\\u0000\""),
        (#"[{"a":["x\/y", 1]}, {"b":"plain"}]"#, #"[{"a":["x/y",1]},{"b":"plain"}]"#),
    ]) func `gives the shortest text of the same value`(text: String, expected: String) throws {
        let document = try read(text).get()
        #expect(String(decoding: document.encoded(document.root), as: UTF8.self) == expected)
    }

    @Test func `copies what needs no change`() throws {
        let text = #"{"a":[1,2,{"b":"\"\\\n\u0001"}],"c":"é"}"#
        let document = try read(text).get()
        #expect(!document.entry(document.root).has(.loose))
        #expect(document.encoded(document.root) == Array(text.utf8))
    }

    @Test func `writes a part alone`() throws {
        let document = try read(#"{"a":[1, 2],"b":"x"}"#).get()
        let array = try #require(document.member("a", of: document.root))
        #expect(document.encoded(array) == Array("[1,2]".utf8))
        let string = try #require(document.member("b", of: document.root))
        #expect(document.encoded(string) == Array(#""x""#.utf8))
    }
}

@Suite struct `Edits` {
    /// The same document compact and loose: both ways of writing must agree.
    static let texts = [
        #"{"a":1,"b":{"c":[1,2,3],"d":"x"},"e":[]}"#,
        "{ \"a\" : 1, \"b\": {\"c\": [1, 2, 3 ], \"d\": \"x\" }, \"e\": [ ] }",
    ]

    private func edited(_ text: String, _ change: (JSONDocument, inout JSONEdits) throws -> Void) throws -> String {
        let document = try read(text).get()
        var edits = JSONEdits()
        try change(document, &edits)
        return String(decoding: document.encoded(document.root, editing: edits), as: UTF8.self)
    }

    private func node(_ pointer: ByteString, _ document: JSONDocument) throws -> JSONDocument.Node {
        try #require(document.pointer(JSONPointer(pointer)))
    }

    @Test(arguments: texts) func `replace a value`(text: String) throws {
        let result = try edited(text) { document, edits in
            edits.replace(try node("/b/c/1", document), with: Array("null".utf8))
            edits.replace(try node("/a", document), with: Array("[0]".utf8))
        }
        #expect(result == #"{"a":[0],"b":{"c":[1,null,3],"d":"x"},"e":[]}"#)
    }

    @Test(arguments: texts) func `replace a name`(text: String) throws {
        let result = try edited(text) { document, edits in
            edits.replace(document.members(of: document.root)[1].name, with: Array(#""B""#.utf8))
        }
        #expect(result == #"{"a":1,"B":{"c":[1,2,3],"d":"x"},"e":[]}"#)
    }

    @Test(
        arguments: texts,
        [
            (["/a"], #"{"b":{"c":[1,2,3],"d":"x"},"e":[]}"#), (["/e"], #"{"a":1,"b":{"c":[1,2,3],"d":"x"}}"#),
            (["/b"], #"{"a":1,"e":[]}"#), (["/a", "/b"], #"{"e":[]}"#), (["/b", "/e"], #"{"a":1}"#),
            (["/a", "/b", "/e"], "{}"),
            (["/b/c/0"], #"{"a":1,"b":{"c":[2,3],"d":"x"},"e":[]}"#),
            (["/b/c/0", "/b/c/2"], #"{"a":1,"b":{"c":[2],"d":"x"},"e":[]}"#),
            (["/b/c/0", "/b/c/1", "/b/c/2"], #"{"a":1,"b":{"c":[],"d":"x"},"e":[]}"#),
            (["/b/d", "/b"], #"{"a":1,"e":[]}"#),
            ([""], "null"),
        ] as [([ByteString], String)]) func `remove`(text: String, change: ([ByteString], String)) throws
    {
        let result = try edited(text) { document, edits in
            for pointer in change.0 { edits.remove(try node(pointer, document)) }
        }
        #expect(result == change.1)
    }

    @Test(arguments: texts) func `append members, also to an object that became empty`(text: String) throws {
        let result = try edited(text) { document, edits in
            let inner = try node("/b", document)
            edits.append(to: document.root, member: "z\"", encoded: Array("1".utf8))
            edits.append(to: inner, member: "y", encoded: Array("{}".utf8))
            edits.append(to: document.root, member: "zz", encoded: Array("2".utf8))
            edits.remove(try node("/b/c", document))
            edits.remove(try node("/b/d", document))
        }
        #expect(result == #"{"a":1,"b":{"y":{}},"e":[],"z\"":1,"zz":2}"#)
    }

    @Test(arguments: texts) func `within what is replaced or removed have no effect`(text: String) throws {
        let result = try edited(text) { document, edits in
            edits.replace(try node("/b/c/1", document), with: Array("9".utf8))
            edits.append(to: try node("/b", document), member: "q", encoded: Array("9".utf8))
            edits.replace(try node("/b", document), with: Array("0".utf8))
        }
        #expect(result == #"{"a":1,"b":0,"e":[]}"#)
    }

    @Test func `of one node: a removal counts before replacements, the first of which counts`() throws {
        let result = try edited(#"{"a":1,"b":2}"#) { document, edits in
            edits.replace(try node("/a", document), with: [0x38])
            edits.replace(try node("/a", document), with: [0x39])
            edits.replace(try node("/b", document), with: [0x39])
            edits.remove(try node("/b", document))
        }
        #expect(result == #"{"a":8}"#)
    }

    @Test func `that remove a name remove the member`() throws {
        let result = try edited(#"{"a":1,"b":2}"#) { document, edits in
            edits.remove(document.members(of: document.root)[0].name)
        }
        #expect(result == #"{"b":2}"#)
    }
}

@Suite struct `Values, pointers and the writer` {
    @Test func `values round-trip`() throws {
        let value: JSONValue = ["a": [1, true, .null, "x\n"], "b": [:], "c": .number("1.50")]
        let text = value.encoded()
        #expect(String(decoding: text, as: UTF8.self) == #"{"a":[1,true,null,"x\n"],"b":{},"c":1.50}"#)
        let document = try JSONDocument(parsing: text)
        #expect(document.value(document.root) == value)
        #expect(value["a"]?[3]?.stringValue == "x\n")
    }

    /// RFC 6901 section 5.
    @Test(
        arguments: [
            ("/foo/0", #""bar""#), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3"), ("/m~0n", "8"),
            ("/ ", "7"),
            ("/foo/2", nil), ("/foo/00", nil), ("/foo/-", nil), ("/foo/99999999999999999999", nil), ("/foo/0/x", nil),
        ] as [(ByteString, String?)]) func `pointers lead where RFC 6901 says`(pointer: ByteString, expected: String?)
        throws
    {
        let text = #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#
        let document = try read(text).get()
        let parsed = try JSONPointer(pointer)
        #expect(parsed.text == pointer)
        let found = document.pointer(parsed).map { String(decoding: document.encoded($0), as: UTF8.self) }
        #expect(found == expected)
    }

    @Test(arguments: ["a", "a/b", "/~", "/~2", "/a~"] as [ByteString]) func `pointers that are none are refused`(
        text: ByteString
    ) {
        #expect(throws: JSONFailure.self) { try JSONPointer(text) }
    }

    @Test func `the writer puts commas and escapes`() throws {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("a")
        writer.beginArray()
        writer.int(-1)
        writer.bool(false)
        writer.null()
        writer.string("q\"\u{1}")
        writer.beginObject()
        writer.endObject()
        writer.endArray()
        writer.key(ByteString("b"))
        writer.raw([0x31])
        writer.endObject()
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"a":[-1,false,null,"q\"\u0001",{}],"b":1}"#)
    }

    @Test func `the writer writes JSON whatever the bytes`() throws {
        for first in UInt8.min...UInt8.max {
            for second in stride(from: UInt8.min, through: 0xff, by: 5) {
                var writer = JSONWriter()
                writer.string(ByteString([0x61, first, second, 0x62]))
                let document = try JSONDocument(parsing: writer.bytes)
                let expected = ByteString([0x61, first, second, 0x62])
                #expect(document.string(document.root)?.text.isEmpty == false)
                if String(validating: expected.bytes, as: UTF8.self) != nil {
                    #expect(document.string(document.root) == expected)
                }
            }
        }
    }
}
