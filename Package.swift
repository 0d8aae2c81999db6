// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// The same strict settings for every target: a room differs from another only in what it may import.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableExperimentalFeature("Lifetimes"),
]

/// One room of the house: a Swift target that may import only the rooms and C modules named here.
func room(_ folder: String, _ dependencies: [Target.Dependency] = []) -> Target {
    let name = String(folder.split(separator: "/").last ?? "")
    return .target(name: name, dependencies: dependencies, path: "Sources/\(folder)", swiftSettings: strict)
}

/// One C library of Debian's: a module map and a header, imported by exactly one room.
func library(_ name: String, pkgConfig: String, package: String) -> Target {
    .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

/// The tests of one room; `cases` says that a folder `Cases` stands beside them, which they read themselves.
func tests(_ room: String, _ more: [Target.Dependency] = [], cases: Bool = false) -> Target {
    .testTarget(
        name: "\(room)Tests", dependencies: [.byName(name: room)] + more, path: "Tests/\(room)Tests",
        exclude: cases ? ["Cases"] : [], swiftSettings: strict)
}

let package = Package(
    name: "komainu",
    products: [.executable(name: "komainu", targets: ["komainu"])],
    targets: [
        library("COpenSSL", pkgConfig: "openssl", package: "libssl-dev"),
        library("CJWT", pkgConfig: "libjwt", package: "libjwt-dev"),
        library("CSQLite", pkgConfig: "sqlite3", package: "libsqlite3-dev"),
        library("CYAML", pkgConfig: "yaml-0.1", package: "libyaml-dev"),
        library("CNGHTTP2", pkgConfig: "libnghttp2", package: "libnghttp2-dev"),
        library("CPCRE2", pkgConfig: "libpcre2-8", package: "libpcre2-dev"),
        library("CCurl", pkgConfig: "libcurl", package: "libcurl4-openssl-dev"),
        .target(name: "CLinux", path: "Sources/C/CLinux"),
        .target(name: "COpenSSLShims", dependencies: ["COpenSSL"], path: "Sources/C/COpenSSLShims"),

        room("Libraries/System", ["CLinux"]),
        room("Libraries/OpenSSL", ["COpenSSL", "COpenSSLShims"]),
        room("Libraries/JOSE", ["CJWT", "OpenSSL", "JSON", "Bytes"]),
        room("Libraries/SQLite", ["CSQLite", "Bytes"]),
        room("Libraries/YAML", ["CYAML", "Bytes"]),
        room("Libraries/Pattern", ["CPCRE2"]),
        room("Libraries/Curl", ["CCurl"]),
        room("Libraries/HTTP2", ["CNGHTTP2"]),

        room("Protocols/Bytes"),
        room("Protocols/JSON", ["Bytes"]),
        room("Protocols/HTTP", ["Bytes"]),
        room("Protocols/MCP", ["JSON", "Bytes"]),
        room("Protocols/TransparencyLog", ["OpenSSL", "Bytes"]),

        room("Security/Catalog", ["JSON", "YAML", "OpenSSL", "Bytes", "System"]),
        room(
            "Security/Identity",
            ["Catalog", "Curl", "JOSE", "SQLite", "OpenSSL", "JSON", "HTTP", "Bytes", "System", "Telemetry"]),
        room("Security/Policy", ["Identity", "Catalog", "Pattern", "MCP", "JSON", "YAML", "Bytes", "System"]),
        room("Security/Redaction", ["Policy", "Catalog", "MCP", "JSON", "OpenSSL", "Bytes"]),
        room("Security/Sessions", ["Identity", "MCP", "OpenSSL", "Bytes"]),
        room("Security/Audit", ["TransparencyLog", "JSON", "OpenSSL", "System", "Bytes", "Telemetry"]),

        room("Edges/Reactor", ["OpenSSL", "System"]),
        room("Edges/Edge", ["Reactor", "HTTP", "HTTP2", "OpenSSL", "Bytes", "System", "Telemetry"]),
        room("Edges/HTTPClient", ["Reactor", "HTTP", "OpenSSL", "Bytes", "System", "Telemetry"]),
        room("Edges/Bridge", ["HTTPClient", "Reactor", "HTTP", "JSON", "MCP", "Bytes", "System"]),
        room(
            "Edges/Upstream",
            [
                "HTTPClient", "Reactor", "Redaction", "HTTP", "JSON", "MCP", "OpenSSL", "Bytes", "System", "Telemetry",
            ]),

        room(
            "Gateway",
            [
                "Audit", "Bytes", "Catalog", "HTTP", "Identity", "JSON", "MCP", "OpenSSL", "Policy", "Reactor",
                "Redaction",
                "Sessions", "System", "Telemetry", "Upstream",
            ]),
        room("Telemetry", ["Bytes", "System"]),
        room("Commands"),
        room("Admin", ["Identity", "HTTP", "Telemetry", "JSON", "Bytes", "System"]),
        room("Configuration", ["YAML", "System", "Bytes"]),
        room("SampleTorii", ["HTTP", "JSON", "Bytes", "Edge", "Reactor", "OpenSSL", "System"]),
        room("KomainuTesting", ["HTTP", "JSON", "Bytes"]),

        .executableTarget(
            name: "komainu",
            dependencies: [
                "Admin", "Audit", "Bridge", "Bytes", "Catalog", "Commands", "Configuration", "Edge", "Gateway", "HTTP",
                "HTTPClient", "Identity", "JSON", "MCP", "OpenSSL", "Policy", "Reactor", "Redaction", "SampleTorii",
                "Sessions", "System", "Telemetry", "TransparencyLog",
                "Upstream", "YAML",
            ],
            path: "Sources/komainu", swiftSettings: strict),

        tests("Bytes"), tests("JSON", ["Bytes", "KomainuTesting"]),
        tests("HTTP", ["Bytes", "JSON", "KomainuTesting"], cases: true),
        tests("MCP", ["JSON", "Bytes", "HTTP", "KomainuTesting"], cases: true),
        tests("TransparencyLog", ["OpenSSL", "Bytes"], cases: true),
        tests("OpenSSL", ["Bytes", "KomainuTesting"]),
        tests("JOSE", ["JSON", "OpenSSL", "Bytes", "KomainuTesting"]), tests("SQLite", ["Bytes", "System"]),
        tests("YAML", ["Bytes", "KomainuTesting"], cases: true), tests("Pattern"), tests("Curl"),
        tests("System"), tests("HTTP2"),
        tests(
            "Identity",
            ["Catalog", "JOSE", "OpenSSL", "SQLite", "JSON", "HTTP", "Bytes", "System", "KomainuTesting"]),
        tests("Catalog", ["JSON", "YAML", "Bytes", "System", "KomainuTesting"], cases: true),
        tests(
            "Policy", ["Catalog", "Identity", "JSON", "MCP", "Pattern", "YAML", "Bytes", "System", "KomainuTesting"],
            cases: true),
        tests(
            "Redaction",
            ["Policy", "Catalog", "Identity", "JSON", "MCP", "YAML", "OpenSSL", "Bytes", "KomainuTesting"], cases: true),
        tests("Sessions", ["Identity", "MCP", "Bytes"]),
        tests("Audit", ["TransparencyLog", "JSON", "OpenSSL", "System", "Bytes", "KomainuTesting"]),
        tests("Reactor", ["OpenSSL", "System", "Bytes", "KomainuTesting"]),
        tests(
            "Edge", ["Reactor", "HTTP", "JSON", "OpenSSL", "Bytes", "System", "Telemetry", "KomainuTesting"],
            cases: true),
        tests("Upstream", ["HTTP", "JSON", "MCP", "Reactor", "Bytes", "System"]),
        tests(
            "Gateway",
            [
                "Audit", "Bytes", "Catalog", "HTTP", "Identity", "JSON", "MCP", "OpenSSL", "Policy", "Reactor",
                "Redaction", "Sessions", "System", "Telemetry", "Upstream", "YAML", "KomainuTesting",
            ], cases: true),
        tests("Telemetry", ["Bytes", "System"]), tests("Commands"),
        tests("Admin", ["Identity", "HTTP", "Telemetry", "JSON", "Bytes", "System", "KomainuTesting"]),
        tests("Configuration", ["YAML", "System", "KomainuTesting"], cases: true),
        .testTarget(
            name: "ProgramTests",
            dependencies: [
                "komainu", "Bytes", "Catalog", "Commands", "Configuration", "Identity", "KomainuTesting", "System",
                "YAML",
            ],
            path: "Tests/ProgramTests", swiftSettings: strict),
        tests("SampleTorii", ["HTTP", "JSON", "Bytes", "KomainuTesting"]),
    ],
    cLanguageStandard: .c17
)
