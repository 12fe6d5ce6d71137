// swift-tools-version: 6.2
// Targets are listed bottom-up, so this file reads as the layer diagram of docs/ARCHITECTURE.md.
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

func github(_ name: String, from version: Version) -> Package.Dependency {
    .package(url: "https://github.com/\(name)", from: version)
}

/// A module in its own folder and the tests that mirror it.
func module(
    _ name: String, path: String, exclude: [String] = [],
    needs dependencies: [Target.Dependency] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: strict)
}

func tests(
    of name: String, exclude: [String] = [], needs dependencies: [Target.Dependency] = []
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name), "Support"] + dependencies,
        path: "Tests/\(name)Tests", exclude: exclude, swiftSettings: strict)
}

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(
    name: "UnixSignals", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let arguments: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")

let package = Package(
    name: "jeeves",
    products: [
        .executable(name: "jeeves-agent", targets: ["AgentMain"]),
        .executable(name: "jeeves", targets: ["CoordinatorMain"]),
        .executable(name: "lab", targets: ["Lab"]),
        .executable(name: "bench", targets: ["Bench"]),
    ],
    dependencies: [
        github("apple/swift-argument-parser", from: "1.8.0"),
        github("apple/swift-asn1", from: "1.7.0"),
        github("apple/swift-certificates", from: "1.21.0"),
        github("apple/swift-crypto", from: "4.5.0"),
        github("apple/swift-log", from: "1.16.0"),
        github("apple/swift-nio", from: "2.101.0"),
        github("apple/swift-nio-ssl", from: "2.37.0"),
        github("apple/swift-system", from: "1.8.0"),
        github("groue/GRDB.swift", from: "7.10.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        github("jpsim/Yams", from: "6.2.0"),
        github("swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(
            url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
    ],
    targets: [
        // C libraries of the system.
        .systemLibrary(
            name: "CSystemd", path: "Sources/CSystemd", pkgConfig: "libsystemd",
            providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(
            name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "libssl",
            providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CCurl", path: "Sources/CCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CGlibc", path: "Sources/CGlibc"),

        // 0 nouns
        module("Model", path: "Sources/Model"),
        // 1 outside
        module(
            "Outside", path: "Sources/Outside",
            needs: [
                "Model", "CGlibc", "CSystemd", subprocess, system, logging, nio, nioPosix,
                nioHTTP, nioSSL,
            ]),
        // 2 mechanism
        module("Tools", path: "Sources/Tools", needs: ["Model", "Outside"]),
        module(
            "Trust", path: "Sources/Trust",
            needs: ["Model", "Outside", "COpenSSL", crypto, x509, asn1]),
        module(
            "Wire", path: "Sources/Wire",
            needs: ["Model", "Outside", nio, nioPosix, nioHTTP, nioTLS, nioSSL, logging]),
        // 3 policy
        module(
            "Agent", path: "agent", exclude: ["Main"],
            needs: ["Model", "Outside", "Tools", "Trust", "Wire", logging, lifecycle]),
        module("Store", path: "coordinator/Store", needs: ["Model", "Outside", grdb]),
        module("AWS", path: "coordinator/AWS", needs: ["Model", "Outside", "Trust", "CCurl"]),
        module(
            "Coordinator", path: "coordinator",
            exclude: ["AWS", "Commands", "Main", "Manifests", "Store", "Terraform", "Web"],
            needs: [
                "Model", "Outside", "Tools", "Trust", "Wire", "Store", "AWS", logging, lifecycle,
                yams,
            ]),
        module(
            "Web", path: "coordinator/Web",
            needs: ["Model", "Outside", "Coordinator", hummingbird, logging]),
        module(
            "Commands", path: "coordinator/Commands",
            needs: [
                "Model", "Outside", "Trust", "Coordinator", "Web", arguments, logging, signals,
            ]),
        // 4 wiring
        .executableTarget(
            name: "AgentMain",
            dependencies: ["Agent", "Outside", "Model", arguments, logging, lifecycle],
            path: "agent/Main", swiftSettings: strict),
        .executableTarget(
            name: "CoordinatorMain", dependencies: ["Commands"], path: "coordinator/Main",
            swiftSettings: strict),

        // Tests
        module(
            "Support", path: "Tests/Support",
            needs: [
                "Model", "Outside", "Tools", "Trust", "Wire", logging, nio, nioPosix, nioSSL,
                nioTLS, crypto, x509, asn1,
            ]),
        module(
            "Rotation", path: "Tests/Rotation",
            needs: ["Model", "Outside", "Tools", "Trust", "Agent", "Support"]),
        module("Pipelines", path: "Tests/Pipelines", needs: ["Model", yams]),
        .executableTarget(
            name: "Lab",
            dependencies: ["Model", "Outside", "Pipelines", arguments, crypto, logging],
            path: "Tests/Lab",
            exclude: ["Chart", "Load", "Standins"], swiftSettings: strict),
        .executableTarget(
            name: "Bench",
            dependencies: [
                "Model", "Outside", "Tools", "Trust", "Agent", "Rotation", "Support", arguments,
            ],
            path: "bench",
            exclude: ["noop.yml"], swiftSettings: strict),
        tests(of: "Model"),
        tests(of: "Outside", needs: ["Model", "CSystemd", logging]),
        tests(of: "Tools", exclude: ["Fixtures"], needs: ["Model", "Outside"]),
        tests(
            of: "Trust", exclude: ["Fixtures"],
            needs: ["Model", "Outside", crypto, x509, asn1]),
        tests(
            of: "Wire",
            needs: ["Model", "Outside", nio, nioPosix, nioSSL, crypto, x509, asn1, logging]),
        tests(of: "Agent", needs: ["Model", "Outside", "Trust", "Wire"]),
        tests(of: "Store", needs: ["Model", "Outside", grdb]),
        tests(of: "AWS", needs: ["Model", "Trust", "Outside"]),
        tests(
            of: "Coordinator", exclude: ["Fixtures"],
            needs: ["Model", "Outside", "Tools", "Trust", "Wire", "Store", "AWS", "Agent"]),
        .testTarget(
            name: "FleetTests",
            dependencies: [
                "Model", "Outside", "Trust", "Wire", "Store", "Agent", "Coordinator", "Support",
                nio, nioPosix, nioHTTP, logging,
            ], path: "Tests/FleetTests", swiftSettings: strict),
        .testTarget(
            name: "EdgeTests",
            dependencies: [
                "Model", "Outside", "Tools", "Trust", "Agent", "Rotation", "Support", logging,
            ],
            path: "Tests/EdgeTests", swiftSettings: strict),
        .testTarget(
            name: "YearTests",
            dependencies: [
                "Model", "Outside", "Tools", "Trust", "Agent", "Support", crypto, x509, asn1,
                logging,
            ], path: "Tests/YearTests", swiftSettings: strict),
        tests(
            of: "Web", exclude: ["Browser"],
            needs: ["Model", "Outside", "Wire", "Coordinator", logging]),
        tests(
            of: "Commands",
            needs: ["Coordinator", "Model", "Outside", "Pipelines", "Store", yams]),
        .testTarget(
            name: "TidyTests", dependencies: ["Model", "Outside"], path: "Tests/TidyTests",
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
