// swift-tools-version: 6.2
import PackageDescription

/// What every target is compiled with: warnings are errors, imports are explicit, `any` is written.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
/// What a task takes along: the context of distributed tracing.
let tracing: Target.Dependency = .product(name: "Instrumentation", package: "swift-distributed-tracing")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let tls: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

func library(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func process(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .executableTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A service: what it shares with the other processes, and what is its own.
let daemon: [Target.Dependency] = ["AnalysisAPI", "Daemon", "RPC", arguments, log, lifecycle, tracing]

let package = Package(
    name: "analysis-queue",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "RPC", targets: ["RPC"]),
        .library(name: "Redis", targets: ["Redis"]),
        .library(name: "AnalysisAPI", targets: ["AnalysisAPI"]),
        .executable(name: "queue-service", targets: ["QueueService"]),
        .executable(name: "progress-service", targets: ["ProgressService"]),
        .executable(name: "analysis-worker", targets: ["AnalysisWorker"]),
        .executable(name: "audio-analyzer", targets: ["AudioAnalyzer"]),
        .executable(name: "gateway", targets: ["Gateway"]),
        .executable(name: "analysisctl", targets: ["analysisctl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    ],
    targets: [
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .target(name: "CAnalysisProto", dependencies: ["CProtobufC"]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(
            name: "CAudio", pkgConfig: "libavformat",
            providers: [
                .apt([
                    "libavformat-dev", "libavcodec-dev", "libavutil-dev", "libswresample-dev",
                    "libebur128-dev", "libchromaprint-dev",
                ])
            ]),

        library(
            "RPC",
            nio + [
                "CAnalysisProto", "CProtobufC", log, metrics, lifecycle, tls, tracing,
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        library(
            "AnalysisAPI", ["CAnalysisProto", "CProtobufC", "RPC", .product(name: "NIOCore", package: "swift-nio")]),
        library("Redis", nio + ["CHiredis", crypto, log, metrics, lifecycle, tls]),
        library("Jobs", ["AnalysisAPI"]),
        library(
            "Daemon",
            [
                "AnalysisAPI", "RPC", arguments, crypto, log, metrics, lifecycle, tracing,
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ] + nio),

        process(
            "QueueService",
            daemon + nio + [
                "CLinux", "Jobs", "Redis", crypto, metrics, .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            resources: [.embedInCode("Scripts")]),
        process("ProgressService", daemon + nio + ["Jobs", "Redis", crypto, metrics]),
        process(
            "AnalysisWorker",
            daemon + nio + [
                "CLinux", metrics, .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        // Signal processing is a hundred times slower unoptimised, so it is optimised in debug builds too.
        .executableTarget(
            name: "AudioAnalyzer",
            dependencies: ["AnalysisAPI", "CAudio", "RPC", crypto, .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: settings + [.unsafeFlags(["-O"], .when(configuration: .debug))]),
        process(
            "Gateway",
            daemon + nio + [
                crypto, metrics,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            resources: [.embedInCode("Web")]),
        process("analysisctl", ["AnalysisAPI", "Daemon", "Jobs", "RPC", "Redis", arguments, log] + nio),

        library(
            "TestSupport",
            ["AnalysisAPI", "Redis", "RPC", log, .product(name: "Subprocess", package: "swift-subprocess")] + nio),
        // Counts the allocations of calls and commands: Benchmarks/allocations/check.
        .target(name: "CCountingMalloc", path: "Benchmarks/allocations/CCountingMalloc"),
        .executableTarget(
            name: "Allocations",
            dependencies: nio + ["AnalysisAPI", "CCountingMalloc", "Daemon", "RPC", "Redis", log, metrics],
            path: "Benchmarks/allocations/Allocations", swiftSettings: settings),
        // Ratios to redis-benchmark.
        .executableTarget(
            name: "redis-benchmark-ratios",
            dependencies: nio + ["Redis", "TestSupport", .product(name: "Subprocess", package: "swift-subprocess")],
            path: "Benchmarks/RedisBenchmark", swiftSettings: settings),
        // Enqueueing and claiming, beside other queues: Benchmarks/queue/run.
        .executableTarget(
            name: "QueueBenchmark",
            dependencies: nio + [
                "AnalysisAPI", "RPC", "Redis", log, .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            path: "Benchmarks/queue/QueueBenchmark", swiftSettings: settings),
        // What the gateway is measured against: Benchmarks/http/run.
        .executableTarget(
            name: "empty-handler", dependencies: [.product(name: "Hummingbird", package: "hummingbird")],
            path: "Benchmarks/http/EmptyHandler", swiftSettings: settings),
        // Updates taken in and passed on: Benchmarks/progress/run.
        .executableTarget(
            name: "ProgressBenchmark",
            dependencies: nio + ["AnalysisAPI", "RPC", log],
            path: "Benchmarks/progress/ProgressBenchmark", swiftSettings: settings),
        tests("RPCTests", nio + ["AnalysisAPI", "RPC", "TestSupport", log, lifecycle, tls, tracing]),
        tests(
            "DaemonTests",
            nio + [
                "AnalysisAPI", "Daemon", "RPC", arguments, log, metrics, tracing,
                .product(name: "JWTKit", package: "jwt-kit"),
            ]),
        tests("AnalysisAPITests", nio + ["AnalysisAPI", "RPC", log]),
        tests(
            "RedisTests",
            nio + ["Redis", "TestSupport", log, .product(name: "Subprocess", package: "swift-subprocess")]),
        tests("JobsTests", ["AnalysisAPI", "Jobs"]),
        tests(
            "QueueServiceTests",
            nio + ["AnalysisAPI", "Jobs", "QueueService", "RPC", "Redis", "TestSupport", crypto, log]),
        tests(
            "ProgressServiceTests",
            nio + ["AnalysisAPI", "ProgressService", "QueueService", "RPC", "Redis", "TestSupport", log, lifecycle]),
        .executableTarget(
            name: "ScriptAnalyzer",
            dependencies: ["AnalysisAPI", "RPC", .product(name: "NIOCore", package: "swift-nio")],
            path: "Tests/ScriptAnalyzer", swiftSettings: settings),
        tests(
            "AnalysisWorkerTests", nio + ["AnalysisAPI", "AnalysisWorker", "RPC", "ScriptAnalyzer", lifecycle, log]),
        tests(
            "AudioAnalyzerTests",
            ["AnalysisAPI", "AudioAnalyzer", "CAudio", "RPC", crypto, .product(name: "NIOCore", package: "swift-nio")]),
        tests(
            "GatewayTests",
            nio + [
                "AnalysisAPI", "Daemon", "Gateway", "RPC", log, .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
    ]
)
