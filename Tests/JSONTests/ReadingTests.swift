import Bytes
import Testing

@testable import JSON

/// Reads a text, or says why not.
func read(_ text: String, limits: JSONLimits = .standard) -> Result<JSONDocument, JSONFailure> {
    Result { () throws(JSONFailure) in try JSONDocument(parsing: Array(text.utf8), limits: limits) }
}

func reason(_ text: String, limits: JSONLimits = .standard) -> JSONFailure.Reason? {
    guard case .failure(let failure) = read(text, limits: limits) else { return nil }
    return failure.reason
}

@Suite struct `Reading JSON` {
    @Test(
        arguments: [
            ("", .unexpectedEnd), (" ", .unexpectedEnd), ("{", .unexpectedEnd), ("[1,", .unexpectedEnd),
            (#"{"a""#, .unexpectedEnd), (#"{"a":"#, .unexpectedEnd), (#""abc"#, .unexpectedEnd),
            (#""\"#, .unexpectedEnd),
            ("-", .unexpectedEnd), ("1 2", .trailingBytes), ("[]]", .trailingBytes), ("{}x", .trailingBytes),
            ("[1,]", .unexpectedByte), ("[,1]", .unexpectedByte), (#"{"a":1,}"#, .unexpectedByte),
            ("{a:1}", .unexpectedByte),
            ("[1}", .unexpectedByte), (#"{"a":1]"#, .unexpectedByte), (#"{"a" 1}"#, .unexpectedByte),
            ("'a'", .unexpectedByte),
            ("nul", .badLiteral), ("nulL", .badLiteral), ("True", .unexpectedByte), ("truE", .badLiteral),
            ("01", .badNumber), ("-01", .badNumber), ("1.x", .badNumber), ("1e+x", .badNumber), ("+1", .unexpectedByte),
            (".1", .unexpectedByte), ("-x", .badNumber), ("NaN", .unexpectedByte),
            (#""\x41""#, .badEscape), (#""\u12""#, .badEscape), (#""\u12G4""#, .badEscape), (#""\u+123""#, .badEscape),
            (#""\ud800""#, .loneSurrogate), (#""\udc00""#, .loneSurrogate), (#""\ud800\u0041""#, .loneSurrogate),
            (#""\ud800\n12345""#, .loneSurrogate), ("\"a\nb\"", .controlCharacter), ("\"\u{0}\"", .controlCharacter),
            ("\u{feff}{}", .byteOrderMark), (" \u{feff}{}", .unexpectedByte), ("\u{c}{}", .unexpectedByte),
        ] as [(String, JSONFailure.Reason)]) func `names what is wrong`(
            text: String, reason expected: JSONFailure.Reason
        )
    {
        #expect(reason(text) == expected)
    }

    @Test func `says where`() {
        #expect(read(#"{"a":01}"#).offset == 6)
        #expect(read(#"{"ab":1,"ab":2}"#).offset == 9)
        #expect(read("[1,2] x").offset == 6)
    }

    @Test(
        arguments: [
            [0x80], [0xc0, 0xaf], [0xc1, 0xbf], [0xc3], [0xc3, 0x28], [0xe0, 0x9f, 0xbf], [0xe2, 0x82],
            [0xe2, 0x28, 0xa1],
            [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x9f, 0x98],
            [0xf4, 0x90, 0x80, 0x80],
            [0xf5, 0x80, 0x80, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xfe], [0xff], [0xe2, 0x82, 0xc0],
        ] as [[UInt8]]) func `refuses bytes that are not UTF-8 at every alignment`(bytes: [UInt8])
    {
        for before in 0..<10 {
            for after in 0..<10 {
                let pad = [UInt8](repeating: 0x61, count: before)
                let text = [0x22] + pad + bytes + [UInt8](repeating: 0x62, count: after) + [0x22]
                let failure = Result { () throws(JSONFailure) in try JSONDocument(parsing: text) }.failure
                #expect(failure?.reason == .badUTF8, "\(before) \(after)")
                #expect(failure?.offset == before + 1)
            }
        }
    }

    @Test func `accepts exactly the characters that Swift thinks valid`() {
        for scalar in stride(from: UInt32(0x20), through: 0x10ffff, by: 7) {
            guard let unicode = Unicode.Scalar(scalar), scalar != 0x22, scalar != 0x5c else { continue }
            let text = String(Character(unicode))
            guard case .success(let document) = read("\"\(text)\"") else {
                Issue.record("refused U+\(String(scalar, radix: 16))")
                return
            }
            #expect(document.string(document.root) == ByteString(text))
        }
    }

    @Test func `decodes every escape`() throws {
        let document = try read(#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\uDE00\u0000\u001f""#).get()
        #expect(document.string(document.root) == "\"\\/\u{8}\u{c}\n\r\tA\u{e9}\u{20ac}\u{1f600}\u{0}\u{1f}")
        #expect(document.stringContainsEscapes(document.root))
    }

    @Test func `keeps order and the text of numbers`() throws {
        let text = #"{"z":1.0,"a":1e400,"m":[9007199254740993,-0,1E+2,0.10000000000000000000001]}"#
        let document = try read(text).get()
        #expect(document.encoded(document.root) == Array(text.utf8))
        #expect(document.members(of: document.root).map { document.string($0.name) } == ["z", "a", "m"])
        #expect(document.numberText(try #require(document.member("a", of: document.root))) == "1e400")
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("7", 7), ("-1", -1), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1.0", nil), ("1e0", nil),
            ("99999999999999999999", nil),
            ("\"1\"", nil), ("true", nil),
        ] as [(String, Int64?)]) func `takes as integers only what is written as one`(text: String, value: Int64?)
        throws
    {
        let document = try read(text).get()
        #expect(document.integer(document.root) == value)
    }
}

@Suite struct `Limits on JSON` {
    @Test func `bound depth, and the greatest depth still reads`() {
        var limits = JSONLimits()
        limits.depth = 5
        #expect(reason("[[[[[]]]]]", limits: limits) == nil)
        #expect(reason("[[[[[[]]]]]]", limits: limits) == .tooDeep)
        #expect(reason(#"{"a":{"a":{"a":{"a":{"a":1}}}}}"#, limits: limits) == nil)
        #expect(reason(#"{"a":{"a":{"a":{"a":{"a":{}}}}}}"#, limits: limits) == .tooDeep)
        #expect(reason(String(repeating: "[", count: 1_000_000)) == .tooDeep)
    }

    @Test func `bound length`() {
        var limits = JSONLimits()
        limits.bytes = 4
        #expect(reason("true", limits: limits) == nil)
        #expect(reason("false", limits: limits) == .tooLong)
    }

    @Test func `bound the number of values, names counted`() {
        var limits = JSONLimits()
        limits.values = 5
        #expect(reason("[1,2,3,4]", limits: limits) == nil)
        #expect(reason("[1,2,3,4,5]", limits: limits) == .tooManyValues)
        #expect(reason(#"{"a":1,"b":2}"#, limits: limits) == nil)
        #expect(reason(#"{"a":1,"b":2,"c":3}"#, limits: limits) == .tooManyValues)
    }

    @Test func `bound names and numbers`() {
        var limits = JSONLimits()
        limits.nameBytes = 3
        limits.numberBytes = 3
        #expect(reason(#"{"abc":123}"#, limits: limits) == nil)
        #expect(reason(#"{"abcd":123}"#, limits: limits) == .nameTooLong)
        #expect(reason(#"{"abc":-123}"#, limits: limits) == .numberTooLong)
    }
}

@Suite struct `Names within an object` {
    @Test(arguments: [
        #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"{"\u0061":1,"a":2}"#, #"{"a\/b":1,"a/b":2}"#, #"{"":1,"":2}"#,
        #"{"\ud83d\ude00":1,"😀":2}"#, #"[{"x":{"a":1,"b":{},"a":2}}]"#,
        #"{"aaaaaaaaaaaaaaaa1":1,"aaaaaaaaaaaaaaaa1":2}"#,
        #"{"a":{"a":{"b":1}},"b":[{"c":1},{"c":1,"d":2,"c":3}]}"#, #"{"\u00e9":1,"é":2}"#,
    ]) func `may not come twice, however they are written`(text: String) {
        #expect(reason(text) == .duplicateName)
    }

    @Test(arguments: [
        #"{"a":1,"A":2}"#, "{\"\u{e9}\":1,\"e\u{301}\":2}", #"{"a":1,"a\u0000":2}"#, #"{"a":{"a":{"a":1}}}"#,
        #"[{"a":1},{"a":1}]"#, #"{"aaaaaaaaaaaaaaaa1":1,"aaaaaaaaaaaaaaaa2":2}"#, #"{"":1,"\u0000":2}"#,
    ]) func `may be alike as long as their bytes differ`(text: String) {
        #expect(reason(text) == nil)
    }

    @Test(arguments: [2, 31, 32, 33, 34, 64, 65, 1000]) func `are compared in small objects and large ones`(count: Int)
    {
        let names = (0..<count).map { "name\($0)" }
        let text = "{" + names.map { "\"\($0)\":{\"in\":1}" }.joined(separator: ",") + "}"
        #expect(reason(text) == nil)
        for place in [0, count / 2, count - 1] {
            let plain = text.dropLast() + ",\"name\(place)\":1}"
            #expect(reason(String(plain)) == .duplicateName)
            let escaped = text.dropLast() + ",\"n\\u0061me\(place)\":1}"
            #expect(reason(String(escaped)) == .duplicateName)
        }
    }

    @Test func `cost no quadratic time`() {
        let count = 100_000
        let text = "{" + (0..<count).map { "\"k\($0)\":0" }.joined(separator: ",") + "}"
        let clock = ContinuousClock()
        let time = clock.measure { #expect(reason(text) == nil) }
        // Comparing each with each would be 5e9 comparisons: minutes in a debug build.
        #expect(time < .seconds(20))
    }

    @Test func `are found by their bytes`() throws {
        let document = try read(#"{"n\u0061me":1,"other":{"name":2},"":3}"#).get()
        #expect(document.member("name", of: document.root).flatMap { document.integer($0) } == 1)
        #expect(document.member(ByteString("name"), of: document.root).flatMap { document.integer($0) } == 1)
        #expect(document.member("", of: document.root).flatMap { document.integer($0) } == 3)
        #expect(document.member("nam", of: document.root) == nil)
        let other = try #require(document.member("other", of: document.root))
        #expect(document.member("name", of: other).flatMap { document.integer($0) } == 2)
        #expect(document.member("name", of: try #require(document.member("", of: document.root))) == nil)
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

extension Result where Failure == JSONFailure {
    fileprivate var offset: Int? { failure?.offset }
}

@Suite struct `JSON within a text` {
    @Test func `is read up to its end`() throws {
        let text = Array(#"Found: {"a":[1,"x"]} and [2]."#.utf8)
        let first = try JSONDocument(parsingValueIn: text, at: 7)
        #expect(first.encoded(first.root) == Array(#"{"a":[1,"x"]}"#.utf8))
        #expect(first.end == 20)
        let second = try JSONDocument(parsingValueIn: text, at: 25)
        #expect(second.encoded(second.root) == Array("[2]".utf8))
        #expect(throws: JSONFailure.self) { try JSONDocument(parsingValueIn: text, at: 0) }
    }
}
