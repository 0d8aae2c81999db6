import Bytes
import JSON
import OpenSSL
import System
import Testing

@testable import Audit

@Suite struct `The audit log` {
    @Test func `keeps what was appended, chained line to line`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        let asked = try intent()
        let receipt = try await log.append(asked)
        #expect(receipt.sequence == 1)
        let done = try await log.append(outcome(of: receipt, asked))
        #expect(done.sequence == 2)
        log.close()
        #expect(log.health.state == .closed)
        #expect(try folder.kinds() == ["log.opened", "call.intent", "call.outcome", "log.closed"])

        var expected = SHA256.hash(Array("mcp-audit/genesis\ntest.example/audit".utf8))
        let name = try #require(try folder.segments.first)
        let bytes = try #require(try Files.read("\(folder.directory)/seg/\(name)", limit: 1 << 20))
        for (number, line) in bytes.split(separator: 0x0A).enumerated() {
            let document = try JSONDocument(parsing: Array(line))
            #expect(document.number("seq") == UInt64(number))
            #expect(document.text("prev") == ByteString(Base64URL.encode(expected)))
            expected = SHA256.hash([0] + line)
            if number == 1 { #expect(receipt.leaf == expected) }
        }
    }

    @Test func `gives many tasks each its own place`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        let receipts = try await withThrowingTaskGroup(of: [AuditReceipt].self) { group in
            for _ in 0..<64 {
                group.addTask {
                    var receipts: [AuditReceipt] = []
                    for _ in 0..<50 {
                        let asked = try intent()
                        let receipt = try await log.append(asked)
                        receipts += [receipt, try await log.append(outcome(of: receipt, asked))]
                    }
                    return receipts
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(receipts.map(\.sequence)) == Set(1...6_400))
        #expect(log.health.openIntents == 0)
        #expect(log.health.batches < 6_400)
        log.close()
        let lines = try folder.lines()
        for receipt in receipts {
            let next = lines[Int(receipt.sequence) + 1]
            #expect(next.text("prev") == ByteString(receipt.leafText))
        }
    }

    @Test func `refuses everything once it is closed`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        log.close()
        log.close()
        await #expect(throws: AuditFailure.closed) { try await log.append(intent()) }
        #expect(throws: AuditFailure.closed) { try log.appendWithoutWaiting(AuditRecord(.serverUp)) }
    }

    @Test func `refuses an outcome without its intent, and writes nothing`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        let asked = try intent()
        let receipt = try await log.append(asked)
        _ = try await log.append(outcome(of: receipt, asked))
        await #expect(throws: AuditFailure.noOpenIntent(1)) { try await log.append(outcome(of: receipt, asked)) }
        log.close()
        #expect(try folder.kinds().count == 4)
    }

    @Test func `keeps a second writer out`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        #expect(throws: AuditFailure.locked(directory: folder.directory)) { try folder.open() }
        log.close()
        let second = try folder.open()
        second.close()
    }
}
