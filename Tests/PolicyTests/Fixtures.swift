import Bytes
import Catalog
import JSON
import KomainuTesting
import MCP
import System
import YAML

@testable import Identity
@testable import Policy

/// A case file beside these tests.
func caseFile(_ name: String) -> String {
    let path = String(#filePath.dropLast("Fixtures.swift".count)) + "Cases/" + name
    return String(decoding: Shared.contents(of: path) ?? [], as: UTF8.self)
}

/// A file of the repository.
func repositoryFile(_ path: String) -> String {
    String(decoding: Shared.repository.flatMap { Shared.contents(of: $0 + "/" + path) } ?? [], as: UTF8.self)
}

func readCatalog(_ text: String) throws -> Catalog {
    let reading = Reading()
    let catalog = Catalog(reading: [try YAML.parse(Array(text.utf8), file: "catalog.yaml")], reading)
    guard let catalog else { throw Unreadable(complaints: reading.problemsInOrder.map(\.description)) }
    return catalog
}

/// Reads a policy, and tells the complaints.
func readPolicy(_ text: String, _ catalog: Catalog) -> (RuleSet?, [String]) {
    let reading = Reading()
    do throws(Problem) {
        let file = try YAML.parse(Array(text.utf8), file: "p.yaml")
        let rules = RuleSet(reading: file, catalog: catalog, reading)
        return (rules, reading.problemsInOrder.map(\.description))
    } catch {
        return (nil, [error.description])
    }
}

func requirePolicy(_ text: String, _ catalog: Catalog) throws -> RuleSet {
    let (rules, complaints) = readPolicy(text, catalog)
    guard let rules else { throw Unreadable(complaints: complaints) }
    return rules
}

struct Unreadable: Error {
    let complaints: [String]
}

/// The tools of these definitions, all approved at first sight.
func inventory(_ catalog: Catalog, _ definitions: [String]) throws -> Inventory {
    var pins = Pins()
    var sightings: [Sighting] = []
    let list = try definitions.map { try ToolDefinition(parsing: Array($0.utf8)) }
    return Inventory(
        catalog, list: list, pins: &pins, trustsFirstSight: true, at: WallTime(seconds: 0), sightings: &sightings)
}

/// `ada`, `ada+group1+group2`, `ada@issuer`, `ada#UUID` for an endpoint; with the endpoint's selection.
func principal(_ text: String, selection: Selection = .everything) -> Principal {
    var rest = text[...]
    func cut(_ mark: Character) -> String? {
        guard let place = rest.firstIndex(of: mark) else { return nil }
        defer { rest = rest[..<place] }
        return String(rest[rest.index(after: place)...])
    }
    let endpoint = cut("#").flatMap { EndpointID(ByteString($0)) }
    let issuer = cut("@").map { ByteString($0) }
    let parts = rest.split(separator: "+").map { ByteString(String($0)) }
    return Principal(
        subject: parts.first ?? "", groups: Set(parts.dropFirst()), issuer: issuer,
        method: endpoint == nil ? .apiToken : .endpointAndToken, endpoint: endpoint, selection: selection,
        upstream: "torii")
}

func call(_ tool: String, _ arguments: String = "{}") throws -> ClientMessage {
    try message(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"\(tool)\",\"arguments\":\(arguments)}}"
    )
}

func message(_ text: String) throws -> ClientMessage {
    try ClientMessage(parsing: Array(text.utf8))
}

let noon = MonotonicTime(nanoseconds: 1_000_000_000_000)

extension RuleSet {
    /// The decision in one line, as case files write it.
    func decision(
        _ message: ClientMessage, _ principal: Principal, _ tools: Inventory, answering: Method? = nil,
        at now: MonotonicTime = noon
    ) -> String {
        do throws(Denial) {
            let permit = try permit(message, for: principal, tools: tools, answering: answering, now: now)
            var parts = ["allowed by " + permit.rules.map(\.text).joined(separator: ", ")]
            if let tool = permit.tool, let outer = tool.calledThrough {
                parts.append("as \(tool.name.text) through \(outer.text)")
            }
            if !permit.redactions.isEmpty {
                parts.append("redacts " + permit.redactions.map(\.name.text).joined(separator: ", "))
            }
            if let rows = permit.limits.rows { parts.append("rows \(rows)") }
            if let bytes = permit.limits.bytes { parts.append("bytes \(bytes)") }
            if permit.restoresPseudonyms { parts.append("restores pseudonyms") }
            if !permit.shadow.isEmpty { parts.append("shadow " + permit.shadow.map(\.text).joined(separator: ", ")) }
            if !permit.edits.isEmpty {
                let sent = message.document.encoded(message.document.root, editing: permit.edits)
                parts.append("sends " + String(decoding: sent, as: UTF8.self))
            }
            if !permit.hiddenTools.isEmpty {
                parts.append("hides " + permit.hiddenTools.map(\.text).joined(separator: ", "))
            }
            return parts.joined(separator: "; ")
        } catch {
            var parts = ["\(error.hidden ? "hidden" : "denied") \(error.code)"]
            if let rule = error.rule { parts.append("by \(rule.text)") }
            if let demand = error.demand { parts.append(demand) }
            if let wait = error.retryAfter { parts.append("retry after \(wait)") }
            if !error.shadow.isEmpty { parts.append("shadow " + error.shadow.map(\.text).joined(separator: ", ")) }
            return parts.joined(separator: "; ")
        }
    }
}
