// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because everything in it is built with sanitizers: deploy/fuzz builds and runs it.
let package = Package(
    name: "fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "analysis-queue", path: "../.."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    ],
    targets: [
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                .product(name: "AnalysisAPI", package: "analysis-queue"),
                .product(name: "RPC", package: "analysis-queue"),
                .product(name: "Redis", package: "analysis-queue"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .treatAllWarnings(as: .error),
            ])
    ]
)
