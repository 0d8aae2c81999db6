import Testing

@testable import System

@Suite struct `The clocks` {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_798_760_199_999_000_000, "2026-12-31T23:36:39.999Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_000_000_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func `write RFC 3339`(nanoseconds: Int64, text: String) {
        #expect(WallTime(nanoseconds: nanoseconds).rfc3339(fractionDigits: 3) == text)
    }

    @Test(arguments: [
        ("2026-11-20T09:30:00Z", "2026-11-20T09:30:00.000000000Z"),
        ("2026-11-20T09:30:00.5+01:30", "2026-11-20T08:00:00.500000000Z"),
        ("2026-11-20t09:30:00.123456789123z", "2026-11-20T09:30:00.123456789Z"),
        ("2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00.000000000Z"),
    ])
    func `read RFC 3339`(text: String, canonical: String) {
        #expect(WallTime(rfc3339: text)?.rfc3339(fractionDigits: 9) == canonical)
    }

    @Test(arguments: [
        "", "2026-11-20", "2026-11-20T09:30Z", "2026-11-20T09:30:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-11-20T24:00:00Z", "2026-11-20T09:30:60Z", "2026-11-20T09:30:00.Z", "2026-11-20T09:30:00Z ",
        "2026-11-20T09:30:00+1:00", "+026-11-20T09:30:00Z", "9999-11-20T09:30:00Z", "2026-11-20T09:30:00Zz",
    ])
    func `refuse what is not RFC 3339`(text: String) {
        #expect(WallTime(rfc3339: text) == nil)
    }

    @Test func `agree on every day of 400 years`() {
        for day in 0..<Int64(100_000) {
            let moment = WallTime(seconds: day * 86_400 + 12_345)
            #expect(WallTime(rfc3339: moment.rfc3339(fractionDigits: 0)) == moment)
        }
    }

    @Test func `write HTTP dates`() {
        #expect(WallTime(rfc3339: "2026-11-20T09:30:00Z")?.httpDate == "Fri, 20 Nov 2026 09:30:00 GMT")
        #expect(WallTime(seconds: 784_111_777).httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test func `saturate`() {
        #expect(MonotonicTime.distantFuture + .seconds(1) == .distantFuture)
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(-3).nanoseconds == -3_000_000_000)
        #expect(Duration.nanoseconds(1_234_567_890_123).nanoseconds == 1_234_567_890_123)
        #expect(Duration.seconds(9_000_000_000).nanoseconds == 9_000_000_000_000_000_000)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        #expect(WallTime(seconds: .max).nanoseconds == .max)
    }
}

@Suite struct `A file` {
    let folder: String

    init() throws { folder = try Files.makeTemporaryFolder(prefix: "komainu-system-") }

    @Test func `is replaced in one step and keeps nothing temporary`() throws {
        defer { try? Files.removeTree(folder) }
        let path = "\(folder)/record"
        try Files.replace(path, with: Array("one".utf8), permissions: 0o600)
        try Files.replace(path, with: Array("two!".utf8), permissions: 0o640)
        #expect(try Files.read(path, limit: 100) == Array("two!".utf8))
        #expect(try Files.list(folder) == ["record"])
        #expect(try Files.status(path).permissions == 0o640)
    }

    @Test func `is written, read back, cut and synchronised`() throws {
        defer { try? Files.removeTree(folder) }
        let file = try File("\(folder)/segment", .readAndWriteCreating(permissions: 0o600))
        try file.reserve(from: 0, length: 1 << 16)
        #expect(try file.status().size == 0)
        try file.write(Array("hello world".utf8), at: 0)
        try file.write([], at: 5)
        try file.synchronizeData()
        #expect(try file.read(at: 6, count: 100) == Array("world".utf8))
        try file.truncate(to: 5)
        #expect(try file.read(at: 0, count: 5) == Array("hello".utf8))
        #expect(try file.read(at: 0, count: 0) == [])
    }

    @Test func `says that it was deleted while open`() throws {
        defer { try? Files.removeTree(folder) }
        let file = try File("\(folder)/gone", .append(permissions: 0o600))
        try file.append(Array("x".utf8))
        #expect(try file.status().links == 1)
        try Files.remove("\(folder)/gone")
        #expect(try file.status().links == 0)
    }

    @Test func `is locked for one holder`() throws {
        defer { try? Files.removeTree(folder) }
        let path = "\(folder)/lock"
        let first = try File(path, .readAndWriteCreating(permissions: 0o600))
        #expect(try first.tryLock())
        do {
            let second = try File(path, .readAndWrite)
            #expect(try second.tryLock() == false)
        }
        #expect(try first.tryLock())
    }

    @Test func `that is missing, too large or already there fails with the call and the path`() throws {
        defer { try? Files.removeTree(folder) }
        let path = "\(folder)/absent"
        let failure = #expect(throws: SystemFailure.self) { try Files.read(path, limit: 10) }
        #expect(failure?.isNotFound == true)
        #expect(failure?.description == "open \(path): No such file or directory (2)")
        try Files.replace(path, with: [UInt8](repeating: 1, count: 11), permissions: 0o600)
        #expect(try Files.read(path, limit: 10) == nil)
        #expect(throws: SystemFailure.self) {
            _ = try File(path, .readAndWriteNew(permissions: 0o600)).status()
        }
    }

    @Test func `tree is made and removed, links not followed`() throws {
        try Files.makeFolders("\(folder)/a/b/c", permissions: 0o700)
        try Files.makeFolders("\(folder)/a/b/c", permissions: 0o700)
        try Files.replace("\(folder)/a/b/c/file", with: [], permissions: 0o600)
        try Files.removeTree(folder)
        #expect(!Files.exists(folder))
    }
}

@Suite struct `A thread` {
    @Test func `runs its body and is joined`() throws {
        let folder = try Files.makeTemporaryFolder(prefix: "komainu-system-")
        defer { try? Files.removeTree(folder) }
        let thread = try Thread.start("worker") {
            try? Files.replace("\(folder)/done", with: Array("yes".utf8), permissions: 0o600)
        }
        thread.join()
        #expect(try Files.read("\(folder)/done", limit: 10) == Array("yes".utf8))
    }
}
