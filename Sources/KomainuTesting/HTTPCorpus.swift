import Bytes
import JSON

/// The corpora of HTTP/1.1 bytes in `shared/corpora/http1`.
public enum HTTPCorpus {
    /// One case: bytes, and what is to be made of them.
    public struct Case: Sendable, CustomStringConvertible {
        /// Group and name.
        public let name: String
        /// What the peer sends.
        public let bytes: [UInt8]
        /// What we should do.
        public let expected: Expectation
        /// Whether it is a must, not only hardening.
        public let isMust: Bool
        /// For accepted requests: the body of each, in order.
        public let bodies: [[UInt8]]?
        /// For accepted requests: how many there are.
        public let requests: Int?

        /// The name.
        public var description: String { name }
    }

    /// What should become of a case.
    public enum Expectation: Sendable { case accept, reject, either }

    /// A case of llhttp's own tests.
    public struct LLHTTPCase: Sendable {
        /// The title that llhttp gives it.
        public let name: String
        /// `request`, `response`, or a lenient mode.
        public let type: String
        /// What is parsed.
        public let bytes: [UInt8]
        /// `ok`, `error` or `paused`, in strict mode.
        public let strict: String
        /// Whether a request has a Host field, which llhttp does not ask for.
        public let hasHost: Bool
    }

    /// `requests.json` or `responses.json`; nil when the shared folder is absent.
    public static func cases(_ file: String) -> [Case]? {
        elements(file)?.map { element in
            Case(
                name: text(element["group"]) + "/" + text(element["name"]), bytes: bytes(element),
                expected: ["accept": .accept, "reject": .reject][text(element["expect"])] ?? .either,
                isMust: text(element["strength"]) == "must",
                bodies: array(element["parsed"]?["bodies"])?.map { Base64.decode($0.stringValue ?? "") ?? [] },
                requests: element["parsed"]?["requests"].flatMap(integer))
        }
    }

    /// `llhttp.json`; nil when the shared folder is absent.
    public static func llhttp() -> [LLHTTPCase]? {
        elements("llhttp.json")?.map { element in
            LLHTTPCase(
                name: text(element["name"]), type: text(element["type"]), bytes: bytes(element),
                strict: text(element["strict"]), hasHost: element["has_host"] == .bool(true))
        }
    }

    private static func elements(_ file: String) -> [JSONValue]? {
        guard let bytes = Shared.file("corpora/http1/" + file),
            let document = try? JSONDocument(parsing: bytes)
        else { return nil }
        return array(document.value(document.root)["cases"])
    }

    /// `raw_base64`, or `parts` that are repeated.
    private static func bytes(_ element: JSONValue) -> [UInt8] {
        if let raw = element["raw_base64"]?.stringValue { return Base64.decode(raw) ?? [] }
        var bytes: [UInt8] = []
        for part in array(element["parts"]) ?? [] {
            let piece = Base64.decode(part["base64"]?.stringValue ?? "") ?? []
            for _ in 0..<(part["times"].flatMap(integer) ?? 1) { bytes += piece }
        }
        return bytes
    }

    private static func array(_ value: JSONValue?) -> [JSONValue]? {
        guard case .array(let elements)? = value else { return nil }
        return elements
    }

    private static func text(_ value: JSONValue?) -> String { value?.stringValue?.text ?? "" }

    private static func integer(_ value: JSONValue) -> Int? {
        guard case .number(let text) = value else { return nil }
        return Int(text.text)
    }
}
