import Testing

@testable import OpenSSL

@Suite struct `What is sealed` {
    @Test(arguments: [0, 1, 15, 16, 17, 1_000])
    func `opens under its key for what it was sealed for`(_ count: Int) throws {
        let key = try SealingKey()
        let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let sealed = try key.seal(plain, for: [1, 2])
        #expect(sealed.count == count + SealingKey.overhead)
        #expect(key.open(sealed, for: [1, 2]) == plain)
        #expect(key.open(sealed, for: [1]) == nil)
        #expect(key.open(sealed, for: []) == nil)
        #expect(try SealingKey().open(sealed, for: [1, 2]) == nil)
    }

    @Test func `opens no more when a bit of it is another`() throws {
        let key = try SealingKey()
        let sealed = try key.seal(Array("event 7".utf8), for: [])
        for index in sealed.indices {
            var other = sealed
            other[index] ^= 1
            #expect(key.open(other, for: []) == nil)
        }
        for count in sealed.indices { #expect(key.open(Array(sealed.prefix(count)), for: []) == nil) }
        #expect(key.open(sealed + [0], for: []) == nil)
    }

    @Test func `is never the same twice`() throws {
        let key = try SealingKey()
        #expect(try key.seal([1], for: []) != key.seal([1], for: []))
    }

    /// NIST's GCM vectors for 256-bit keys (CAVS, gcmEncryptExtIV256.rsp), put together as nonce, ciphertext and tag.
    @Test func `is AES-256-GCM`() throws {
        let key = try #require(SealingKey(bytes("31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22")))
        let sealed = bytes(
            "0d18e06c7c725ac9e362e1ce" + "fa4362189661d163fcd6a56d8bf0405a" + "d636ac1bbedd5cc3ee727dc2ab4a9489")
        #expect(key.open(sealed, for: []) == bytes("2db5168e932556f8089a0622981d017d"))
        #expect(SealingKey([1, 2, 3]) == nil)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).compactMap { UInt8(hex.dropFirst($0).prefix(2), radix: 16) }
    }
}
