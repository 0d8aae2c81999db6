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

    @Test(arguments: texts) func `of a name do not keep a member that is removed`(text: String) throws {
        let result = try edited(text) { document, edits in
            let members = document.members(of: document.root)
            edits.replace(members[0].name, with: Array(#""A""#.utf8))
            edits.remove(members[0].value)
            edits.replace(members[2].name, with: Array(#""E""#.utf8))
            edits.remove(members[2].value)
        }
        #expect(result == #"{"b":{"c":[1,2,3],"d":"x"}}"#)
    }

    /// Thousands of random edits to random documents: both ways of writing, and a tree that is edited plainly, agree.
    @Test func `do the same however the document is written`() throws {
        var random = SplitMix(state: 7)
        for _ in 0..<3_000 {
            let value = randomValue(depth: 4, &random)
            let compact = try JSONDocument(parsing: value.encoded())
            let loose = try JSONDocument(parsing: spaced(value.encoded()))
            var edits = JSONEdits()
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let node = JSONDocument.Node(Int.random(in: 0..<compact.tape.count, using: &random))
                let isName = compact.tape[Int(node.index)].has(.name)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: edits.replace(node, with: Array(isName ? #""new\#(node.index)""#.utf8 : "[99]".utf8))
                case 1: edits.remove(node)
                case 2: edits.replace(node, withText: Array("t\(node.index)".utf8))
                default: edits.append(to: node, member: "more", encoded: [0x37])
                }
            }
            let one = compact.encoded(compact.root, editing: edits)
            let other = loose.encoded(loose.root, editing: edits)
            #expect(one == other)
            #expect(one == plainly(compact, compact.root, edits).encoded())
        }
    }

    /// What the edits mean, said as plainly as possible.
    private func plainly(_ document: JSONDocument, _ node: JSONDocument.Node, _ edits: JSONEdits) -> JSONValue {
        let here = edits.edits.filter { $0.node == node }
        func isRemoved(_ node: JSONDocument.Node) -> Bool { edits.edits.contains { $0.node == node && $0.isRemoval } }
        if here.contains(where: \.isRemoval) { return .null }
        if let edit = here.first(where: \.isReplacement) {
            var encoded: [UInt8] = []
            edit.write(into: &encoded)
            return encoded.first == 0x22
                ? .string(ByteString(Array(encoded.dropFirst().dropLast()))) : .array([.integer(99)])
        }
        switch document.kind(node) {
        case .array:
            return .array(document.elements(of: node).filter { !isRemoved($0) }.map { plainly(document, $0, edits) })
        case .object:
            var members: [JSONMember] = []
            for member in document.members(of: node) where !isRemoved(member.name) && !isRemoved(member.value) {
                let name = plainly(document, member.name, edits).stringValue ?? ""
                members.append(JSONMember(name, plainly(document, member.value, edits)))
            }
            for case .append(let name, _) in here.map(\.change) { members.append(JSONMember(name, 7)) }
            return .object(members)
        default:
            return document.value(node)
        }
    }

    private func randomValue(depth: Int, _ random: inout SplitMix) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 4), using: &random) {
        case 0: .null
        case 1: .integer(Int.random(in: -5...5, using: &random))
        case 2: .string("q\"\n{[,")
        case 3: .bool(true)
        case 4, 5:
            .array((0..<Int.random(in: 0...3, using: &random)).map { _ in randomValue(depth: depth - 1, &random) })
        default:
            .object(
                (0..<Int.random(in: 0...3, using: &random)).map {
                    JSONMember(ByteString("k\($0)"), randomValue(depth: depth - 1, &random))
                })
        }
    }

    /// The same text with white space around every token.
    private func spaced(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var inString = false
        var escaped = false
        for byte in text {
            if !inString, [0x5b, 0x5d, 0x7b, 0x7d, 0x2c, 0x3a].contains(byte) {
                out += [0x20, byte, 0x0a]
            } else {
                out.append(byte)
            }
            if byte == 0x22, !escaped { inString.toggle() }
            escaped = byte == 0x5c && !escaped
        }
        return out
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

    @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 65, 1000]) func `the writer has room for any number of escapes`(count: Int)
        throws
    {
        for piece: [UInt8] in [
            [0x01], [0x22], [0xff], [0x22, 0x61], Array("aaaaaaaa\u{1}".utf8), Array("é\n".utf8), Array("日本語".utf8),
        ] {
            let bytes = Array((0..<count).map { _ in piece }.joined())
            let document = try JSONDocument(parsing: JSONValue.encodedString(bytes))
            let expected = String(decoding: bytes, as: UTF8.self)
            #expect(document.string(document.root) == ByteString(expected))
        }
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

/// A small random generator that gives the same numbers in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
