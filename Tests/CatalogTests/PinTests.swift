import Bytes
import JSON
import KomainuTesting
import System
import Testing

@testable import Catalog

/// One case of `changes.json`.
struct ChangeCase: CustomTestStringConvertible, Sendable {
    let name: String
    let old: ToolDefinition
    let new: ToolDefinition
    let same: Bool
    let changes: [String]
    var testDescription: String { name }

    static let all: [ChangeCase] = {
        guard let document = try? JSONDocument(parsing: caseFile("changes.json")) else { return [] }
        return document.elements(of: document.root).compactMap { node in
            let member = { (key: String) in document.member(key, of: node) }
            guard let old = member("old"), let new = member("new"), let changes = member("changes"),
                let before = try? ToolDefinition(old, in: document), let after = try? ToolDefinition(new, in: document)
            else { return nil }
            return ChangeCase(
                name: member("name").flatMap(document.string)?.text ?? "", old: before, new: after,
                same: member("same") != nil,
                changes: document.elements(of: changes).compactMap { document.string($0)?.text })
        }
    }()
}

private let start = WallTime(seconds: 1_700_000_000)
private let first = #"{"name":"list_x","description":"A","inputSchema":{"type":"object"}}"#
private let second = #"{"name":"list_x","description":"B","inputSchema":{"type":"object"}}"#

@Suite struct `A definition` {
    @Test(arguments: ChangeCase.all) func `that changed is told in words`(_ change: ChangeCase) {
        let marks: [DefinitionChange.Weight: String] = [.neutral: "-", .text: "?", .widening: "!"]
        let told = describeChange(from: change.old, to: change.new).map { "\(marks[$0.weight] ?? "") \($0)" }
        #expect(told == change.changes)
        #expect((change.old.hash == change.new.hash) == change.same)
    }

    @Test func `of every kind is in the table`() {
        #expect(ChangeCase.all.count == 14)
    }

    @Test func `has the hash of its canonical form`() throws {
        // echo -n '{"description":"A","inputSchema":{"type":"object"},"name":"list_x"}' | sha256sum
        #expect(
            try definition(first).hash.description
                == "0128cd10b19582069e5b1e184ee916ce12bd89caf7b14e721791e30745481518")
        let spaced = #" { "name" : "list_\u0078", "inputSchema":{"type":"object"}, "description":"\u0041" } "#
        #expect(try definition(first).hash == definition(spaced).hash)
    }

    @Test(arguments: [
        ("[]", DefinitionFailure.notAnObject), ("{\"name\":1}", .badName),
        (#"{"name":"a b","inputSchema":{}}"#, .badName),
        (#"{"name":"a"}"#, .noInputSchema), (#"{"name":"a","inputSchema":[]}"#, .noInputSchema),
        (#"{"name":"a","name":"b","inputSchema":{}}"#, .notAnObject),
        (#"{"name":"a","inputSchema":{},"d":"\#(String(repeating: "x", count: 262_144))"}"#, .tooLarge),
    ]) func `that isn't one is refused`(_ text: String, _ failure: DefinitionFailure) {
        #expect(throws: failure) { try definition(text) }
    }

    @Test func `of every sample list is taken`() throws {
        guard let bytes = Shared.file("data/torii-samples.json") else { return Shared.skipped("the sample lists") }
        let document = try JSONDocument(parsing: bytes)
        var names: [ByteString] = []
        for list in document.elements(of: try #require(document.member("tools_list", of: document.root))) {
            let tools = try #require(document.pointer(try JSONPointer("/response/result/tools"), from: list))
            for tool in document.elements(of: tools) { names.append(try ToolDefinition(tool, in: document).name) }
        }
        #expect(names.count == 11)
    }
}

@Suite struct `Pinned definitions` {
    @Test func `trust the first sight, and no change after it`() throws {
        var pins = Pins()
        #expect(pins.see(try definition(first), trustsFirstSight: true, at: start) == .trustedAtFirstSight)
        #expect(pins.see(try definition(first), trustsFirstSight: true, at: start) == .approved)
        #expect(pins.see(try definition(second), trustsFirstSight: true, at: start) == .quarantined)
        #expect(pins.see(try definition(second), trustsFirstSight: true, at: start) == .quarantined)
        #expect(pins.changes(of: "list_x")?.map(\.description) == ["the description changed from `A` to `B`"])
        // Back to what was approved: nothing waits any more.
        #expect(pins.see(try definition(first), trustsFirstSight: true, at: start) == .approved)
        #expect(pins.pending.isEmpty)
    }

    @Test func `trust nothing at first sight when told so, however often it comes`() throws {
        var pins = Pins()
        for _ in 0..<3 {
            #expect(pins.see(try definition(first), trustsFirstSight: false, at: start) == .quarantined)
        }
        #expect(pins.see(try definition(first), trustsFirstSight: true, at: start) == .quarantined)
        #expect(pins.changes(of: "list_x")?.map(\.description) == ["the tool is new"])
    }

    @Test func `are approved by the very hash that was looked at`() throws {
        var pins = Pins()
        _ = pins.see(try definition(first), trustsFirstSight: true, at: start)
        #expect(throws: ApprovalFailure.nothingPending) {
            try pins.approve("list_x", try definition(first).hash, by: "ada", at: start)
        }
        _ = pins.see(try definition(second), trustsFirstSight: true, at: start)
        #expect(throws: ApprovalFailure.changedSince) {
            try pins.approve("list_x", try definition(first).hash, by: "ada", at: start)
        }
        try pins.approve("list_x", try definition(second).hash, by: "ada", at: start)
        #expect(pins.see(try definition(second), trustsFirstSight: true, at: start) == .approved)
        #expect(pins.see(try definition(first), trustsFirstSight: true, at: start) == .quarantined)
        #expect(pins.approved["list_x"]?.approver == .person("ada"))
    }

    @Test func `have an end`() throws {
        var pins = Pins()
        for number in 0..<Pins.toolLimit {
            _ = pins.see(
                try definition("{\"name\":\"t\(number)\",\"inputSchema\":{}}"), trustsFirstSight: true, at: start)
        }
        #expect(pins.see(try definition(first), trustsFirstSight: true, at: start) == .quarantined)
        #expect(pins.approved.count == Pins.toolLimit)
        #expect(pins.pending.isEmpty)
    }

    @Test func `survive in a file, and a damaged file is refused`() throws {
        let folder = try Files.makeTemporaryFolder(prefix: "pins")
        defer { try? Files.removeTree(folder) }
        let file = PinFile(path: folder + "/pins.json")
        #expect(try file.load() == Pins())
        var pins = Pins()
        _ = pins.see(try definition(first), trustsFirstSight: true, at: start)
        _ = pins.see(try definition(second), trustsFirstSight: true, at: start + .seconds(1))
        _ = pins.see(try definition(#"{"name":"y","inputSchema":{}}"#), trustsFirstSight: false, at: start)
        try pins.approve("list_x", try definition(second).hash, by: "ada", at: start)
        try file.save(pins)
        #expect(try file.load() == pins)
        #expect(try Files.status(file.path).permissions & 0o077 == 0)
        let bytes = pins.encoded()
        for cut in [0, 1, bytes.count / 2, bytes.count - 4] {
            #expect(throws: PinStoreFailure.self) { try Pins(parsing: Array(bytes[..<cut])) }
        }
        let forged = String(decoding: bytes, as: UTF8.self).replacing("\"B\"", with: "\"C\"")
        #expect(throws: PinStoreFailure.damaged("the definition of `list_x` doesn't have its hash")) {
            try Pins(parsing: Array(forged.utf8))
        }
    }

    @Test func `that can't be saved say so`() {
        let failure = #expect(throws: PinStoreFailure.self) { try PinFile(path: "/nowhere/at/all").save(Pins()) }
        guard case .system = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }
}

@Suite struct `An inventory` {
    private let catalog = read(
        "{komainu: 1, catalog: t, tools: {list_x: {method: list, effect: read}, run_y: {method: run, effect: write}}}"
    ).0

    @Test func `knows a catalogued tool as unlisted until the vendor lists it`() throws {
        let inventory = Inventory(try #require(catalog))
        guard case .unlisted = inventory.standing(of: "list_x") else {
            Issue.record("not unlisted")
            return
        }
        #expect(inventory.standing(of: "get_z") == .unknown)
        #expect(inventory.definition(of: "list_x") == nil)
    }

    @Test func `joins list, catalogue and pins`() throws {
        let catalog = try #require(catalog)
        var pins = Pins()
        var sightings: [Sighting] = []
        let list = [
            try definition(first),
            try definition(#"{"name":"get_z","inputSchema":{},"annotations":{"readOnlyHint":true}}"#),
            try definition(#"{"name":"run_y","inputSchema":{},"annotations":{"destructiveHint":true}}"#),
        ]
        var inventory = Inventory(
            catalog, list: list, pins: &pins, trustsFirstSight: true, at: start, sightings: &sightings)
        #expect(inventory.names == ["get_z", "list_x", "run_y"])
        #expect(inventory.standing(of: "get_z") == .unclassified)
        #expect(inventory.standing(of: "list_x") == .approved(try #require(catalog.classify("list_x"))))
        guard case .approved(let run) = inventory.standing(of: "run_y") else {
            Issue.record("run_y")
            return
        }
        #expect(run.effect == .destructive)
        #expect(inventory.definition(of: "list_x")?.hash == list[0].hash)
        #expect(sightings.map(\.sight) == [.trustedAtFirstSight, .trustedAtFirstSight, .trustedAtFirstSight])

        sightings = []
        inventory = Inventory(
            catalog, list: [try definition(second)], pins: &pins, trustsFirstSight: true, at: start,
            sightings: &sightings)
        #expect(inventory.standing(of: "list_x") == .quarantined)
        #expect(inventory.definition(of: "list_x") == nil)
        #expect(inventory.standing(of: "get_z") == .unknown)
        guard case .unlisted = inventory.standing(of: "run_y") else {
            Issue.record("run_y is listed")
            return
        }
    }

    @Test func `quarantines a name that comes twice`() throws {
        var pins = Pins()
        var sightings: [Sighting] = []
        let inventory = Inventory(
            try #require(catalog), list: [try definition(first), try definition(second)], pins: &pins,
            trustsFirstSight: true, at: start, sightings: &sightings)
        #expect(inventory.standing(of: "list_x") == .quarantined)
        #expect(pins == Pins())
        #expect(sightings.allSatisfy { $0.isAmbiguous })
    }
}

@Suite struct `An exact number` {
    @Test(arguments: [
        ("1", "1.0"), ("1e2", "100"), ("0.1", "1e-1"), ("0.10", "0.1"), ("-0", "0"), ("0e9", "0.0"), ("12e-1", "1.2"),
        ("100E+1", "1000"), ("0.001", "1e-3"),
    ]) func `is equal to the same number written otherwise`(_ left: String, _ right: String) {
        #expect(ExactNumber(ByteString(left)) != nil)
        #expect(ExactNumber(ByteString(left)) == ExactNumber(ByteString(right)))
    }

    @Test func `is ordered by value where floating point is not`() throws {
        let texts = [
            "-1e400", "-9007199254740993", "-9007199254740992", "-1", "-0.1", "0", "1e-400", "0.1", "0.11", "1", "1.5",
            "10", "9007199254740992", "9007199254740993", "1e400", "1.1e400",
        ]
        let numbers = texts.compactMap { ExactNumber(ByteString($0)) }
        #expect(numbers.count == texts.count)
        for (place, left) in numbers.enumerated() {
            for (other, right) in numbers.enumerated() { #expect((left < right) == (place < other)) }
        }
        #expect(ExactNumber(200) == ExactNumber("2e2"))
    }

    @Test func `is whole when it has no fraction`() {
        for text: ByteString in ["0", "1", "-5", "1.0", "1.5e1", "1e400"] {
            #expect(ExactNumber(text)?.isWhole == true)
        }
        for text: ByteString in ["0.5", "1e-1", "1.05e1", "1e-400"] { #expect(ExactNumber(text)?.isWhole == false) }
    }

    @Test(arguments: ["", "-", "01", "1.", ".1", "1e", "+1", "1e99999999", "0x1", "1 ", "NaN", "--1"])
    func `is read from JSON numbers only`(_ text: String) {
        #expect(ExactNumber(ByteString(text)) == nil)
    }
}
