import Testing

@testable import OpenSSL

private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

@Suite struct `A hash` {
    @Test func `of abc is the one in FIPS 180-4`() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(hex(SHA256.hash([UInt8]("abc".utf8))) == expected)
    }

    @Test func `of nothing works, empty buffers included`() {
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(hex(SHA256.hash([])) == expected)
        var stream = SHA256Stream()
        stream.update([])
        #expect(hex(stream.finish()) == expected)
    }

    @Test func `in pieces is the same as at once, and the stream starts again`() {
        let message = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        var stream = SHA256Stream()
        for _ in 0..<2 {
            for start in stride(from: 0, to: message.count, by: 77) {
                stream.update([UInt8](message[start..<min(start + 77, message.count)]))
            }
            #expect(stream.hashSoFar() == SHA256.hash(message))
            #expect(stream.finish() == SHA256.hash(message))
        }
    }
}

@Suite struct `An HMAC` {
    @Test func `agrees with RFC 4231, short and long keys`() {
        let first = HMACSHA256(key: [UInt8](repeating: 0x0b, count: 20)).authenticate([UInt8]("Hi There".utf8))
        #expect(hex(first) == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        let long = HMACSHA256(key: [UInt8](repeating: 0xaa, count: 131))
        let sixth = long.authenticate([UInt8]("Test Using Larger Than Block-Size Key - Hash Key First".utf8))
        #expect(hex(sixth) == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test func `of an empty message under an empty key works`() {
        let code = HMACSHA256(key: []).authenticate([UInt8]())
        #expect(hex(code) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test func `is valid only whole and unchanged`() {
        let keyed = HMACSHA256(key: [1, 2, 3])
        var code = keyed.authenticate([9])
        #expect(keyed.isValid(code, for: [9]))
        #expect(!keyed.isValid(code, for: [8]))
        #expect(!keyed.isValid([UInt8](code.dropLast()), for: [9]))
        code[31] ^= 1
        #expect(!keyed.isValid(code, for: [9]))
    }

    @Test func `is the same on many threads at once`() async {
        let keyed = HMACSHA256(key: [7])
        let expected = keyed.authenticate([1, 2])
        let wrong = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<2000).count { _ in keyed.authenticate([1, 2]) != expected } }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }
}

@Suite struct `A derived key` {
    @Test func `agrees with RFC 5869, with and without salt`() {
        let first = HKDF.derive(
            42, from: [UInt8](repeating: 0x0b, count: 22), salt: [UInt8](0x00...0x0c), info: [UInt8](0xf0...0xf9))
        #expect(
            hex(first)
                == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
        let third = HKDF.derive(42, from: [UInt8](repeating: 0x0b, count: 22), info: [])
        #expect(
            hex(third)
                == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
    }
}

@Suite struct `Random bytes` {
    @Test func `are as many as asked, and never the same twice`() throws {
        #expect(try Random.bytes(0) == [])
        let many = try (0..<200).map { _ in try Random.bytes(32) }
        #expect(Set(many).count == 200)
        #expect(many.allSatisfy { $0.count == 32 })
    }
}
