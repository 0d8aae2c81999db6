import CPCRE2

/// Owns PCRE2's compiled code and the limits of its matches. Both are only read after `init`, which PCRE2 allows from
/// any number of threads; the pointers never leave this file.
@safe final class CompiledPattern: @unchecked Sendable {
    private let code: OpaquePointer
    private let context: OpaquePointer

    init(_ text: String, limits: PatternLimits) throws(PatternFailure) {
        unsafe code = try Self.compile(Array(text.utf8))
        // The only failure is an allocation failure, on which Swift itself stops.
        guard let context = unsafe pcre2_match_context_create_8(nil) else { fatalError("PCRE2 could not allocate") }
        unsafe pcre2_set_match_limit_8(context, limits.steps)
        unsafe pcre2_set_depth_limit_8(context, limits.depth)
        unsafe pcre2_set_heap_limit_8(context, limits.memory)
        unsafe self.context = context
    }

    deinit {
        unsafe pcre2_match_context_free_8(context)
        unsafe pcre2_code_free_8(code)
    }

    func matches(_ subject: Span<UInt8>) throws(MatchFailure) -> Bool {
        let result = unsafe subject.withUnsafeBufferPointer { bytes in
            guard let data = unsafe pcre2_match_data_create_8(1, nil) else { return PCRE2_ERROR_NOMEMORY }
            defer { unsafe pcre2_match_data_free_8(data) }
            let options = PCRE2_ANCHORED | PCRE2_ENDANCHORED
            // An empty span may have no address, which PCRE2 refuses for UTF even when the length is 0.
            guard let start = bytes.baseAddress else {
                return unsafe withUnsafePointer(to: 0) { unsafe pcre2_match_8(code, $0, 0, 0, options, data, context) }
            }
            return unsafe pcre2_match_8(code, start, bytes.count, 0, options, data, context)
        }
        switch result {
        case 0...: return true
        case PCRE2_ERROR_NOMATCH: return false
        case PCRE2_ERROR_MATCHLIMIT, PCRE2_ERROR_DEPTHLIMIT, PCRE2_ERROR_HEAPLIMIT: throw .tooMuchWork
        case PCRE2_ERROR_UTF8_ERR21...PCRE2_ERROR_UTF8_ERR1: throw .notUTF8
        default: throw .failed(code: Int(result))
        }
    }

    private static func compile(_ text: [UInt8]) throws(PatternFailure) -> OpaquePointer {
        var complaint: Int32 = 0
        var offset = 0
        // Callouts have no function to call; `\C` would split a code point.
        let options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C
        let context = unsafe pcre2_compile_context_create_8(nil)
        defer { unsafe pcre2_compile_context_free_8(context) }
        unsafe pcre2_set_parens_nest_limit_8(context, 50)
        let code = unsafe text.span.withUnsafeBufferPointer {
            unsafe pcre2_compile_8($0.baseAddress, $0.count, options, &complaint, &offset, context)
        }
        if let code = unsafe code { return unsafe code }
        throw .syntax(message: message(of: complaint), offset: offset)
    }

    private static func message(of code: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = unsafe pcre2_get_error_message_8(code, &buffer, buffer.count)
        return length > 0 ? String(decoding: buffer[..<Int(length)], as: UTF8.self) : "the pattern is not valid"
    }
}
