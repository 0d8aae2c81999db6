// What bytes are, for detectors. Bytes above 0x7f are parts of letters outside ASCII and count as none of these.

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

@inline(__always)
func isUpper(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }

@inline(__always)
func isLower(_ byte: UInt8) -> Bool { byte &- 0x61 < 26 }

@inline(__always)
func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

@inline(__always)
func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }

@inline(__always)
func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }

@inline(__always)
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d }

/// Letters, digits and underscore: what a word is made of in a program.
@inline(__always)
func isWord(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || byte == 0x5f }

/// The value of a digit; only for digits.
@inline(__always)
func digitValue(_ byte: UInt8) -> Int { Int(byte &- 0x30) }

extension Span where Element == UInt8 {
    /// The byte at a place, or a blank outside the text: a text's ends are boundaries.
    @inline(__always)
    func at(_ place: Int) -> UInt8 { place >= 0 && place < count ? self[place] : 0x20 }

    /// Whether a word neither ends nor goes on before `start`.
    @inline(__always)
    func isWordStart(_ start: Int) -> Bool { !isWord(at(start - 1)) && at(start - 1) < 0x80 }

    /// Whether no word goes on at `end`.
    @inline(__always)
    func isWordEnd(_ end: Int) -> Bool { !isWord(at(end)) && at(end) < 0x80 }

    /// Whether `prefix` stands at `place`.
    func has(_ prefix: [UInt8], at place: Int) -> Bool {
        guard place >= 0, place + prefix.count <= count else { return false }
        for index in prefix.indices where self[place + index] != prefix[index] { return false }
        return true
    }

    /// Whether `word`, in lower case, stands at `place` in any case.
    func hasIgnoringCase(_ word: [UInt8], at place: Int) -> Bool {
        guard place >= 0, place + word.count <= count else { return false }
        for index in word.indices {
            let byte = self[place + index]
            guard (isUpper(byte) ? byte | 0x20 : byte) == word[index] else { return false }
        }
        return true
    }

    /// The place after the longest run of bytes that fulfil `belongs`, at most `limit` bytes.
    @inline(__always)
    func endOfRun(from start: Int, limit: Int = .max, _ belongs: (UInt8) -> Bool) -> Int {
        var at = start
        let end = limit < count - start ? start + limit : count
        while at < end, belongs(self[at]) { at += 1 }
        return at
    }

    /// The first place at or after `start` where `needle` stands, before `end`.
    func first(_ needle: [UInt8], from start: Int, before end: Int) -> Int? {
        guard let lead = needle.first else { return nil }
        var at = start
        let last = Swift.min(end, count) - needle.count
        while at <= last {
            if self[at] == lead, has(needle, at: at) { return at }
            at += 1
        }
        return nil
    }
}

/// The bytes of a text, for tables that are made once.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
