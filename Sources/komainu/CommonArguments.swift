import Commands

/// What several commands take, so that it is spelled and explained alike everywhere.
enum CommonArguments {
    /// The file that is read when none is named.
    static let standardConfiguration = "komainu.yaml"

    static let configurationOperand = Operand(
        "FILE", "the configuration; komainu.yaml when left out", isOptional: true, completion: .files)

    static let configuration = Option.value(
        "config", "FILE", "the configuration; komainu.yaml when left out", completion: .files)

    static let json = Option.flag("json", "answer as JSON")
}

extension Arguments {
    /// The configuration that `--config` names, or the usual one.
    var configurationPath: String { value("config") ?? CommonArguments.standardConfiguration }
}
