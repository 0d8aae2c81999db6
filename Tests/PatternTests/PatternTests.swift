import Testing

@testable import Pattern

private func matches(_ pattern: String, _ subject: String, _ extent: Pattern.Extent = .whole) throws -> Bool {
    try Pattern(pattern, matching: extent).matches(Array(subject.utf8).span)
}

@Suite struct `A pattern` {
    @Test(arguments: [
        ("[a-z]+", "abc", true), ("[a-z]+", "abc1", false), ("[a-z]+", "", false), ("[a-z]*", "", true),
        ("a|ab", "ab", true), ("a$", "a\n", false), ("a.b", "a\nb", true), (".", "é", true), (".", "e\u{301}", false),
        ("\\d+", "٣", false), ("a(*ACCEPT)b", "ab", false), ("(?i)ABC", "abc", true), ("^a", "ba", false),
    ]) func `of a whole value matches all of it or not`(_ pattern: String, _ subject: String, _ expected: Bool) throws {
        #expect(try matches(pattern, subject) == expected)
    }

    @Test(arguments: [
        ("secret", "a secret\nthing", true), ("secret", "", false), ("^a", "ba", false), ("^a", "ab", true),
        ("a$", "ba", true), ("b|c", "xxcxx", true), ("(?x) s e # comment", "use", nil), ("\\Qa", "a", nil),
        ("(a)\\1", "xaax", true), ("", "", true), ("(?-s)a.b", "a\nb", false),
    ]) func `of a part finds it anywhere`(_ pattern: String, _ subject: String, _ expected: Bool?) throws {
        guard let expected else {
            // Such a pattern would swallow the group it is searched in.
            #expect(throws: PatternFailure.self) { try matches(pattern, subject, .anywhere) }
            return
        }
        #expect(try matches(pattern, subject, .anywhere) == expected)
    }

    @Test(arguments: ["(", "a)|(b", "[", "a{2,1}", "*", "(?<n>a)(?<n>b)", "\\C", String(repeating: "(", count: 60)])
    func `that is broken is refused when it is read`(_ pattern: String) {
        #expect(throws: PatternFailure.self) { try Pattern(pattern, matching: .whole) }
        #expect(throws: PatternFailure.self) { try Pattern(pattern, matching: .anywhere) }
    }

    @Test func `says where it is broken`() {
        let failure = #expect(throws: PatternFailure.self) { try Pattern("ab(c", matching: .whole) }
        #expect(failure?.description == "missing closing parenthesis (at byte 4)")
        #expect(throws: PatternFailure.tooLong(limit: 4_096)) {
            try Pattern(String(repeating: "a", count: 4_097), matching: .whole)
        }
    }

    @Test(arguments: ["(a+)+b", "(a|aa)+$b", "(.*)*x", "(?:a?){40}a{40}b", ".*a.*a.*a.*a.*b"], [true, false])
    func `that explodes fails instead of running on`(_ pattern: String, _ whole: Bool) throws {
        let compiled = try Pattern(pattern, matching: whole ? .whole : .anywhere)
        let subject = [UInt8](repeating: 0x61, count: 4_096)
        let start = ContinuousClock.now
        do {
            let matched = try compiled.matches(subject.span)
            #expect(!matched)
        } catch {
            #expect(error == .tooMuchWork)
        }
        #expect(ContinuousClock.now - start < .seconds(2))
    }

    @Test func `that only calls itself fails`() throws {
        let pattern = try Pattern("(?R)?b|a(?R)", matching: .whole)
        #expect(throws: MatchFailure.self) { try pattern.matches([0x61, 0x61].span) }
    }

    @Test func `can't be asked about what is too long or isn't UTF-8`() throws {
        let pattern = try Pattern(".*", matching: .whole)
        #expect(throws: MatchFailure.subjectTooLong(limit: 4_096)) {
            try pattern.matches([UInt8](repeating: 0x61, count: 4_097).span)
        }
        #expect(throws: MatchFailure.notUTF8) { try pattern.matches([0xFF].span) }
        #expect(throws: MatchFailure.notUTF8) { try pattern.matches([0xED, 0xA0, 0x80].span) }
        #expect(try pattern.matches([UInt8]().span))
    }

    @Test func `may be used from many threads at once`() async throws {
        let pattern = try Pattern("(a|b)+c", matching: .whole)
        let bytes = Array("abababababc".utf8)
        let sum = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { @concurrent in (0..<500).count { _ in (try? pattern.matches(bytes.span)) == true } }
            }
            return await group.reduce(0, +)
        }
        #expect(sum == 4_000)
    }
}
