/// Which Komainu this is.
enum Version {
    /// Semantic versioning; before 1.0 the command line may change between minor versions.
    static let text = "0.1.0"
}
