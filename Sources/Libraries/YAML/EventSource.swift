import Bytes
import CYAML

/// What libyaml reports, without its pointers.
struct Event {
    enum Kind {
        case streamStart, streamEnd, documentStart(hasDirectives: Bool), documentEnd
        case alias
        case scalar(Scalar, Properties)
        case sequenceStart(Properties), sequenceEnd
        case mappingStart(Properties), mappingEnd
    }

    /// What may stand before a node; we accept neither.
    struct Properties {
        let hasAnchor: Bool
        let hasTag: Bool
    }

    let kind: Kind
    /// Counted from 1.
    let line: Int
    let column: Int
}

/// Why libyaml stopped.
struct SyntaxFailure: Error {
    let message: String
    let line: Int
    let column: Int
}

/// libyaml's parser over bytes that this object keeps alive. The pointers never leave this file.
@safe final class EventSource {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8]) {
        // One byte more than needed, so that an empty file still has an address.
        unsafe input = .allocate(capacity: bytes.count + 1)
        _ = unsafe input.update(fromContentsOf: bytes)
        unsafe parser = .allocate(capacity: 1)
        // The only failure is an allocation failure, on which Swift itself stops.
        precondition(unsafe yaml_parser_initialize(parser) == 1, "libyaml could not allocate its parser")
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    func next() throws(SyntaxFailure) -> Event {
        var raw = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &raw) == 1 else { throw failure() }
        defer { unsafe yaml_event_delete(&raw) }
        let line = unsafe Int(raw.start_mark.line) + 1
        let column = unsafe Int(raw.start_mark.column) + 1
        guard let kind = unsafe kind(of: raw) else {
            throw SyntaxFailure(message: "a text is not valid UTF-8", line: line, column: column)
        }
        return Event(kind: kind, line: line, column: column)
    }

    private func kind(of raw: yaml_event_t) -> Event.Kind? {
        switch unsafe raw.type {
        case YAML_DOCUMENT_START_EVENT:
            let start = unsafe raw.data.document_start
            let hasTags = unsafe start.tag_directives.start != start.tag_directives.end
            return unsafe .documentStart(hasDirectives: start.version_directive != nil || hasTags)
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias
        case YAML_SCALAR_EVENT: return unsafe scalar(raw.data.scalar)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe raw.data.sequence_start
            return unsafe .sequenceStart(.init(hasAnchor: start.anchor != nil, hasTag: start.tag != nil))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let start = unsafe raw.data.mapping_start
            return unsafe .mappingStart(.init(hasAnchor: start.anchor != nil, hasTag: start.tag != nil))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_STREAM_END_EVENT: return .streamEnd
        default: return .streamStart
        }
    }

    private func scalar(_ raw: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar) -> Event.Kind? {
        let bytes = unsafe Array(UnsafeBufferPointer(start: raw.value, count: raw.length))
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        let scalar = unsafe Scalar(bytes: ByteString(bytes), isPlain: raw.style == YAML_PLAIN_SCALAR_STYLE)
        return unsafe .scalar(scalar, .init(hasAnchor: raw.anchor != nil, hasTag: raw.tag != nil))
    }

    private func failure() -> SyntaxFailure {
        let raw = unsafe parser.pointee
        let reason = unsafe raw.problem.map { unsafe String(cString: $0) } ?? "the text can't be read"
        let context = unsafe raw.context.map { unsafe " " + String(cString: $0) } ?? ""
        let isReader = unsafe raw.error == YAML_READER_ERROR
        // The reader stops at a byte that is no character and knows no line; where scanning stood is close to it.
        let mark = unsafe isReader ? raw.mark : raw.problem_mark
        return SyntaxFailure(
            message: reason + context, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}
