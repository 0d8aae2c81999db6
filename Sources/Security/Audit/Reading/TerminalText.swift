/// Text that others wrote, made safe to show on a terminal: control characters and those that reorder text are spelled out,
/// so that nobody's tool name can move the cursor, colour the screen or turn a line around.
enum TerminalText {
    static func of(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            if isDangerous(scalar) {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    private static func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0: true
        // Marks and embeddings that change the direction of text (Unicode Standard Annex 9), line separators, and the byte
        // order mark.
        case 0x061C, 0x200E, 0x200F, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
