// swift-tools-version:6.0
import Foundation
import PackageDescription

// Where libwebex_oauth_mobile is: `cargo build -p webex-oauth-mobile` puts it there. An app gets an XCFramework instead,
// see scripts/xcframework.
let libraries = ProcessInfo.processInfo.environment["WEBEX_OAUTH_LIB_DIR"] ?? "\(Context.packageDirectory)/../../../target/debug"

let package = Package(
    name: "WebexOAuth",
    platforms: [.iOS(.v16), .macOS(.v13), .tvOS(.v16), .watchOS(.v9), .visionOS(.v1)],
    products: [
        .library(name: "WebexOAuth", targets: ["WebexOAuth"]),
        // For tests of apps: starts the simulator.
        .library(name: "WebexOAuthTesting", targets: ["WebexOAuthTesting"]),
    ],
    targets: [
        // Generated: scripts/generate. Nothing in these two is written by hand.
        .systemLibrary(name: "WebexOAuthFFI"),
        .target(
            name: "WebexOAuthCore",
            dependencies: ["WebexOAuthFFI"],
            linkerSettings: [
                .linkedLibrary("webex_oauth_mobile"),
                .unsafeFlags(["-L\(libraries)", "-Xlinker", "-rpath", "-Xlinker", libraries]),
            ]
        ),
        .target(name: "WebexOAuth", dependencies: ["WebexOAuthCore"]),
        .target(name: "WebexOAuthTesting", dependencies: ["WebexOAuth"]),
        .executableTarget(name: "sign-in", dependencies: ["WebexOAuth"], path: "Examples/SignIn"),
        .target(name: "JSONValue", path: "Conformance/JSON"),
        .executableTarget(
            name: "vector-runner", dependencies: ["WebexOAuthCore", "JSONValue"], path: "Conformance/Runner"),
        .executableTarget(
            name: "driver-harness", dependencies: ["WebexOAuth", "JSONValue"], path: "Conformance/Harness"),
        .executableTarget(name: "benches", dependencies: ["WebexOAuth", "WebexOAuthCore"], path: "Benches"),
        .testTarget(name: "WebexOAuthTests", dependencies: ["WebexOAuth", "WebexOAuthCore", "WebexOAuthTesting"]),
    ]
)
