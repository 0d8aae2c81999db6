import Bytes
import JSON

/// How a list is asked for and answered: Torii's own names, or Truto's.
enum Grammar: Sendable {
    case official
    case truto

    var sizeName: ByteString { self == .official ? "size" : "limit" }
    var cursorName: ByteString { self == .official ? "cursor" : "next_cursor" }

    /// The arguments every list of this grammar takes.
    var inputs: [Input] {
        switch self {
        case .official:
            [
                .string("fields", "Comma-separated names of the columns to return, custom fields included."),
                .string("q", "Free text to search for in every column."),
                .string("sort", "Column and direction, such as name:asc or creationTime:desc."),
                .string("filters", "JSON text: [{\"key\":\"state\",\"op\":\"equals\",\"value\":\"discovered\"}]."),
                .string(
                    "aggs",
                    "JSON text: {\"field\":\"category\",\"aggregationType\":\"groupBy\",\"options\":{\"size\":10}}."),
                .any(
                    "size",
                    ["type": "integer", "minimum": 1, "maximum": 1000, "description": "Rows a page; default 50."]),
                .string("cursor", "nextCursor of the page before, exactly as received."),
            ]
        case .truto:
            [
                .any(
                    "limit",
                    ["type": "integer", "minimum": 1, "maximum": 1000, "description": "Rows a page; default 50."]),
                .string("next_cursor", "Pass the value back exactly as received, without decoding or changing it."),
            ]
        }
    }
}

/// One list tool's way from rows to an answer: filter, search, sort, page, pick columns, count groups.
struct Listing: Sendable {
    let grammar: Grammar
    /// The member that holds the rows in Torii's own answers.
    let wrapper: ByteString
    /// The column whose value goes into the cursor beside the place: it may be somebody's address.
    let cursorColumn: ByteString
    /// Columns that come whether asked for or not.
    var always: [ByteString] = []

    /// Answers a list call over `rows`.
    func answer(_ rows: [Record], _ arguments: JSONValue, structured: Bool = false) -> SampleTool.Outcome {
        var rows = rows
        if let question = arguments.text("q"), !question.isEmpty { rows = rows.filter { $0.mentions(question) } }
        if let text = arguments.text("filters") {
            guard let kept = Self.filtered(rows, by: text) else {
                return .refused(400, "Bad Request", "filters is not a list of {key, op, value}: \(text.text)")
            }
            rows = kept
        }
        if let order = arguments.text("sort") { rows = Self.sorted(rows, by: order) }

        let size = arguments[grammar.sizeName]?.wholeNumber ?? 50
        guard (1...1000).contains(size) else {
            return .refused(400, "Bad Request", "\(grammar.sizeName.text) must be between 1 and 1000")
        }
        var begin = 0
        if let cursor = arguments.text(grammar.cursorName) {
            guard let place = Self.place(cursor) else {
                return .refused(400, "Bad Request", "the cursor \(cursor.text) is not one of ours")
            }
            begin = min(place, rows.count)
        }
        let end = min(rows.count, begin + size)
        let page = Array(rows[begin..<end])
        let next = end < rows.count ? cursor(end, page.last) : nil
        let answer = envelope(page, of: rows, begin: begin, next: next, arguments)
        return structured ? .structured(answer) : .answer(answer)
    }

    private func envelope(
        _ page: [Record], of rows: [Record], begin: Int, next: ByteString?, _ arguments: JSONValue
    ) -> JSONValue {
        var page = page
        if let fields = arguments.text("fields") {
            let names = always + fields.commaSeparated
            page = page.map { $0.picking(names) }
        }
        let following = next.map(JSONValue.string) ?? .null
        switch grammar {
        case .truto:
            return [
                "result": .array(page), "next_cursor": following,
                "prev_cursor": begin == 0 ? .null : .string(cursor(0, rows.first)),
                "result_count": .integer(page.count), "is_partial_response": false,
            ]
        case .official:
            var answer: JSONValue = .object([JSONMember(wrapper, .array(page))])
            if let text = arguments.text("aggs"), let groups = Self.groups(rows, by: text) {
                answer.set("aggregations", groups)
            }
            answer.set("count", .integer(page.count))
            answer.set("total", .integer(rows.count))
            answer.set("nextCursor", following)
            return answer
        }
    }

    /// Base64 of the next row's place and the last row's sort value, as Torii documents its own cursors.
    private func cursor(_ place: Int, _ row: Record?) -> ByteString {
        let value: JSONValue = [.integer(place), row?[cursorColumn] ?? .null]
        return ByteString(Base64.encode(value.encoded()))
    }

    private static func place(_ cursor: ByteString) -> Int? {
        guard let bytes = Base64.decode(cursor), let document = try? JSONDocument(parsing: bytes) else { return nil }
        return document.value(document.root)[0]?.wholeNumber.flatMap { $0 >= 0 ? $0 : nil }
    }

    private static func filtered(_ rows: [Record], by text: ByteString) -> [Record]? {
        guard let document = try? JSONDocument(parsing: text.bytes) else { return nil }
        let filters = document.value(document.root)
        guard case .array(let conditions) = filters else { return nil }
        return rows.filter { row in
            conditions.allSatisfy { condition in
                guard let key = condition.text("key") else { return false }
                return condition.text("op") == "notEquals"
                    ? row[key] != condition["value"] : row[key] == condition["value"]
            }
        }
    }

    private static func sorted(_ rows: [Record], by order: ByteString) -> [Record] {
        let parts = order.bytes.split(separator: 0x3a).map { ByteString($0) }
        guard let column = parts.first else { return rows }
        func before(_ left: Record, _ right: Record) -> Bool {
            let left = left[column] ?? .null, right = right[column] ?? .null
            if let left = left.wholeNumber ?? left.number("value"),
                let right = right.wholeNumber ?? right.number("value")
            {
                return left < right
            }
            return (left.stringValue ?? "") < (right.stringValue ?? "")
        }
        return parts.last == "desc" ? rows.sorted { before($1, $0) } : rows.sorted(by: before)
    }

    /// How many rows share each value of a column: the values themselves become keys.
    private static func groups(_ rows: [Record], by text: ByteString) -> JSONValue? {
        guard let document = try? JSONDocument(parsing: text.bytes) else { return nil }
        let question = document.value(document.root)
        guard let field = question.text("field") else { return nil }
        var counts: [JSONValue: Int] = [:]
        var order: [JSONValue] = []
        for value in rows.compactMap({ $0[field] }) {
            if counts[value] == nil { order.append(value) }
            counts[value, default: 0] += 1
        }
        let size = question["options"]?.number("size") ?? 10
        return .array(
            order.prefix(max(0, size)).map { value in
                ["key": value, "value": .integer(counts[value] ?? 0), "groupCount": .integer(counts[value] ?? 0)]
            })
    }
}
