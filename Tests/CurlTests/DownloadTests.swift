import Testing

@testable import Curl

@Suite struct `A download` {
    @Test(arguments: [
        "http://keys.example/", "https://", "https:///a", "https://user@keys.example/", "file:///etc/passwd",
        "https://a b/", "",
    ])
    func `is of an https URL with a host and nobody's name in it`(_ url: String) {
        #expect(throws: DownloadFailure.url) { try Download(url: url) }
    }

    @Test func `does not reach this machine unless it may`() throws {
        let download = try Download(url: "https://127.0.0.1:9/keys")
        #expect(throws: DownloadFailure.address) { try download.run() }
        var allowed = download
        allowed.allowsPrivateAddress = true
        #expect(throws: DownloadFailure.unreachable) { try allowed.run() }
    }
}

@Suite struct `A public address` {
    @Test(
        arguments: [
            [10, 0, 0, 1], [127, 0, 0, 1], [169, 254, 169, 254], [172, 16, 0, 1], [172, 31, 255, 255],
            [192, 168, 1, 1], [0, 0, 0, 0],
            [100, 64, 0, 1], [198, 18, 0, 1], [224, 0, 0, 1], [255, 255, 255, 255], [192, 0, 2, 1], [203, 0, 113, 9],
            [1, 2, 3],
        ] as [[UInt8]])
    func `is none of these`(_ bytes: [UInt8]) {
        #expect(!PublicAddress.includes(v4: bytes))
        #expect(!PublicAddress.includes(v6: [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes))
        #expect(!PublicAddress.includes(v6: [0, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8) + bytes))
        #expect(!PublicAddress.includes(v6: [0x20, 0x02] + bytes + [UInt8](repeating: 0, count: 10)))
    }

    @Test(
        arguments: [[1, 1, 1, 1], [172, 32, 0, 1], [100, 128, 0, 1], [192, 0, 3, 1], [223, 255, 255, 255]] as [[UInt8]])
    func `is one of these`(_ bytes: [UInt8]) {
        #expect(PublicAddress.includes(v4: bytes))
        #expect(PublicAddress.includes(v6: [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes))
    }

    @Test(
        arguments: [[0xFC], [0xFE, 0x80], [0xFF, 0x02], [0x20, 0x01, 0x0D, 0xB8], [0x20, 0x01, 0x00, 0x00], []]
            as [[UInt8]])
    func `of six is none with this beginning`(_ beginning: [UInt8]) {
        let bytes = beginning + [UInt8](repeating: 0, count: 15 - beginning.count) + [1]
        #expect(!PublicAddress.includes(v6: bytes))
    }

    @Test func `of six is a given one`() {
        #expect(PublicAddress.includes(v6: [0x26, 0x06, 0x47, 0] + [UInt8](repeating: 1, count: 12)))
    }
}
