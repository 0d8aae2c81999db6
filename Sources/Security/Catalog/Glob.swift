import Bytes

/// A tool name in which `*` stands for any bytes and `?` for one.
struct Glob: Hashable, Sendable {
    let pattern: [UInt8]

    static func isGlob(_ text: ByteString) -> Bool {
        text.bytes.contains(UInt8(ascii: "*")) || text.bytes.contains(UInt8(ascii: "?"))
    }

    /// One pass with a single place to return to: never more than name times pattern steps.
    func matches(_ name: ByteString) -> Bool {
        let name = name.bytes
        var (at, place) = (0, 0)
        var star: (pattern: Int, name: Int)?
        while at < name.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = (place, at)
                place += 1
            } else if place < pattern.count, pattern[place] == UInt8(ascii: "?") || pattern[place] == name[at] {
                place += 1
                at += 1
            } else if let last = star {
                star = (last.pattern, last.name + 1)
                place = last.pattern + 1
                at = last.name + 1
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
