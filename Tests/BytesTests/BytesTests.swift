import Testing

@testable import Bytes

@Suite struct `A byte string` {
    @Test func `is equal only to the same bytes, where String sees one text`() {
        #expect("\u{e9}" == "e\u{301}")
        #expect(ByteString("\u{e9}") != ByteString("e\u{301}"))
        #expect(Set<ByteString>(["\u{e9}", "e\u{301}", "\u{e9}"]).count == 2)
    }

    @Test func `sorts by bytes`() {
        let sorted: [ByteString] = ["", "A", "Z", "a", "aa", "b", "\u{e9}"]
        #expect(sorted.shuffled().sorted() == sorted)
    }

    @Test func `keeps bytes that are not text`() {
        let broken = ByteString([0x61, 0xff, 0x00])
        #expect(broken.bytes == [0x61, 0xff, 0x00])
        #expect(broken.count == 3)
        #expect(broken.text == "a\u{fffd}\0")
    }

    @Test func `copies a span`() {
        let bytes: [UInt8] = [1, 2, 3]
        #expect(ByteString(bytes.span) == ByteString(bytes))
        #expect(ByteString(bytes.span.extracting(1..<2)) == ByteString([2]))
    }

    @Test(arguments: [([1, 2, 3], true), ([1, 2, 4], false), ([1, 2], false), ([], false)] as [([UInt8], Bool)])
    func `is compared with spans too`(other: [UInt8], equal: Bool) {
        let bytes: [UInt8] = [1, 2, 3]
        let answer = bytes.span.elementsEqual(other.span)
        #expect(answer == equal)
    }

    @Test func `knows its beginning and end`() {
        let name: ByteString = "list_apps"
        #expect(name.hasPrefix("list_") && name.hasPrefix("") && !name.hasPrefix("list_apps_"))
        #expect(name.hasSuffix("_apps") && name.hasSuffix("") && !name.hasSuffix("xlist_apps"))
    }

    @Test func `lowers ASCII capitals only`() {
        #expect(ByteString("X-A[Z]\u{c9}@`").asciiLowercased == "x-a[z]\u{c9}@`")
    }
}

@Suite struct `Base 64` {
    /// RFC 4648 section 10.
    static let vectors: [(String, String)] = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: vectors) func `is as the RFC has it`(plain: String, encoded: String) {
        let unpadded = encoded.replacing("=", with: "")
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(ByteString(encoded)) == Array(plain.utf8))
        #expect(Base64URL.encode(Array(plain.utf8)) == unpadded)
        #expect(Base64URL.decode(ByteString(unpadded)) == Array(plain.utf8))
    }

    @Test func `round-trips every byte at every place`() {
        for length in 0..<5 {
            for value in UInt8.min...UInt8.max {
                let bytes = [UInt8](repeating: value, count: length)
                #expect(Base64URL.decode(ByteString(Base64URL.encode(bytes))) == bytes)
                #expect(Base64.decode(ByteString(Base64.encode(bytes))) == bytes)
            }
        }
    }

    @Test(arguments: [
        "Zg==", "Zg=", "Z", "Zm9vY", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9v\0", "Zm9\u{e9}",
    ]) func `for URLs refuses what is not canonical`(text: String) {
        #expect(Base64URL.decode(ByteString(text)) == nil)
    }

    @Test(arguments: ["Zg", "Zg=", "Zg===", "====", "=", "Zh==", "Zm9=", "Zm-v", "Zm_v", "Zm9v\n", "Zg==Zg=="])
    func `with padding refuses what is not canonical`(text: String) {
        #expect(Base64.decode(ByteString(text)) == nil)
    }
}

@Suite struct `Hexadecimal text` {
    @Test func `is lower case, two digits a byte`() {
        #expect(Hex.encode([0x00, 0x0f, 0xa5, 0xff]) == "000fa5ff")
        #expect(Hex.decode("000fa5ff") == [0x00, 0x0f, 0xa5, 0xff])
    }

    @Test(arguments: ["0", "0g", "0A", "FF", " 00", "0x00", "00 "]) func `refuses other spellings`(text: String) {
        #expect(Hex.decode(ByteString(text)) == nil)
    }
}

@Suite struct `Comparing in constant time` {
    @Test func `agrees with equality`() {
        #expect(equalInConstantTime([], []))
        #expect(equalInConstantTime([1, 2, 3], [1, 2, 3]))
        #expect(!equalInConstantTime([1, 2, 3], [1, 2]))
        for index in 0..<3 {
            var other: [UInt8] = [1, 2, 3]
            other[index] ^= 0x80
            #expect(!equalInConstantTime([1, 2, 3], other))
        }
    }
}

@Suite struct `Lines` {
    private func lines(_ text: String, limit: Int = 8, step: Int) -> [LineSplitter.Line] {
        var splitter = LineSplitter(limit: limit)
        var lines: [LineSplitter.Line] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            lines += splitter.feed(Array(rest.prefix(step)).span)
            rest = rest.dropFirst(step)
        }
        return lines
    }

    @Test(arguments: [1, 2, 3, 100])
    func `are the same however the bytes are cut`(step: Int) {
        let whole = { LineSplitter.Line.whole(Array(($0 as String).utf8)) }
        #expect(lines("a\nbc\r\n\nd\re\nrest", step: step) == [whole("a"), whole("bc"), whole(""), whole("d\re")])
        #expect(lines("12345678\n12345678\r\n", step: step) == [whole("12345678"), whole("12345678")])
        #expect(lines("123456789\nok\n", step: step) == [.tooLong, whole("ok")])
        #expect(lines(String(repeating: "x", count: 50), step: step) == [.tooLong])
        #expect(lines(String(repeating: "x", count: 50) + "\nok\n", step: step) == [.tooLong, whole("ok")])
    }

    @Test func `know whether one has begun`() {
        var splitter = LineSplitter(limit: 8)
        #expect(!splitter.isWithinLine)
        _ = splitter.feed([0x61].span)
        #expect(splitter.isWithinLine)
        _ = splitter.feed([0x0A].span)
        #expect(!splitter.isWithinLine)
    }
}

@Suite struct `A byte in a span` {
    @Test(arguments: [0, 1, 63, 64, 65, 127, 128, 200])
    func `is found wherever it stands, from any start on`(place: Int) {
        var bytes = [UInt8](repeating: 0x0B, count: 201)
        bytes[place] = 0x0A
        bytes[200] = 0x0A
        for start in 0...201 {
            let expected: Int? = start <= place ? place : start <= 200 ? 200 : nil
            #expect(bytes.span.firstIndex(of: 0x0A, from: start) == expected)
        }
        #expect(bytes.span.firstIndex(of: 0x00, from: 0) == nil)
    }
}
