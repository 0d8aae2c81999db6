import Bytes
import HTTP
import Identity
import JSON

/// The description of the admin listener in OpenAPI 3.1, made from the table that requests are routed by: an address is in it
/// exactly when it is served.
enum OpenAPI {
    /// The document.
    static let document: [UInt8] = {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("openapi", "3.1.0")
        writer.key("info")
        writer.raw(Array(info.utf8))
        writer.key("paths")
        writePaths(&writer)
        writer.key("components")
        writer.raw(Array(components.utf8))
        writer.key("security")
        writer.raw(Array(#"[{"adminToken":[]}]"#.utf8))
        writer.endObject()
        return writer.bytes
    }()

    private static let info = #"""
        {
          "title": "Komainu admin API", "version": "1",
          "description": "Every change is in the trail before it takes effect, and in effect when it is answered."
        }
        """#

    private static func writePaths(_ writer: inout JSONWriter) {
        writer.beginObject()
        for path in AdminHandler.told {
            writer.key(path)
            writer.raw(Array(told(path).utf8))
        }
        var written: Set<String> = []
        for route in AdminRoute.table where written.insert(route.template).inserted {
            writer.key(route.template)
            writer.beginObject()
            for same in AdminRoute.table where same.template == route.template {
                writer.key(same.method.name.asciiLowercased)
                same.describe(&writer)
            }
            writer.endObject()
        }
        writer.endObject()
    }

    private static func told(_ path: String) -> String {
        let type = path == "/metrics" ? "text/plain" : "application/json"
        let answer = #"{"description":"what it says","content":{"\#(type)":{"schema":{}}}}"#
        let unready = path == "/readyz" ? #","503":\#(answer)"# : ""
        return #"{"get":{"operationId":"\#(path.dropFirst())","summary":"Told to anybody","security":[],"#
            + #""responses":{"200":\#(answer)\#(unready)}}}"#
    }
}

extension AdminRoute {
    /// Writes one operation.
    fileprivate func describe(_ writer: inout JSONWriter) {
        let suffix = style == .truto ? "AsTruto" : ""
        writer.beginObject()
        writer.member("operationId", action.rawValue + suffix)
        writer.member("summary", action.summary)
        writer.member("description", "For the role \(action.role.rawValue) and those above it.")
        writeParameters(&writer)
        if let form = action.form.request {
            writer.key("requestBody")
            writer.beginObject()
            writer.key("required")
            writer.bool(true)
            writeContent(form, example: OpenAPI.examples[form], &writer)
            writer.endObject()
        }
        writer.key("responses")
        writer.beginObject()
        writer.key(String(action.status))
        writer.beginObject()
        writer.member("description", "done")
        if let form = action.form.response { writeContent(form + (isTrutoRecord ? suffix : ""), example: nil, &writer) }
        writer.endObject()
        if action.makes { writeReplayed(suffix, &writer) }
        writer.key("default")
        writer.raw(Array(##"{"$ref":"#/components/responses/Error"}"##.utf8))
        writer.endObject()
        writer.endObject()
    }

    private var isTrutoRecord: Bool { style == .truto && action.form.response != nil }

    /// The answer to the same request once more: the record without its secret.
    private func writeReplayed(_ suffix: String, _ writer: inout JSONWriter) {
        let form = action.form.response.map { String($0.dropFirst("Issued".count)) } ?? ""
        writer.key("200")
        writer.beginObject()
        writer.member("description", "made by an earlier request with this Idempotency-Key; no secret is shown again")
        writeContent(form + suffix, example: nil, &writer)
        writer.endObject()
    }

    private func writeContent(_ form: String, example: String?, _ writer: inout JSONWriter) {
        writer.key("content")
        writer.beginObject()
        writer.key("application/json")
        writer.beginObject()
        writer.key("schema")
        writer.beginObject()
        writer.member("$ref", "#/components/schemas/\(form)")
        writer.endObject()
        if let example {
            writer.key("example")
            writer.raw(Array(example.utf8))
        }
        writer.endObject()
        writer.endObject()
    }

    private func writeParameters(_ writer: inout JSONWriter) {
        var names = template.contains("{upstream}") ? ["upstream"] : []
        if template.contains("{id}") { names.append("id") }
        names += queryNames.map { $0 == "upstream" ? "upstreamFilter" : $0 }
        if action.makes { names.append("idempotencyKey") }
        guard !names.isEmpty else { return }
        writer.key("parameters")
        writer.beginArray()
        for name in names {
            writer.beginObject()
            writer.member("$ref", "#/components/parameters/\(name)")
            writer.endObject()
        }
        writer.endArray()
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: String, _ text: String) {
        key(name)
        string(text)
    }
}
