/// Case files: inputs and expected verdicts that stand beside a test as data.
public enum Cases {
    /// The bytes of `Cases/<name>` beside a test file (`#filePath`); nil when there is no such file.
    public static func read(_ name: String, beside file: String) -> [UInt8]? {
        let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return Shared.contents(of: "\(folder)/Cases/\(name)")
    }
}
