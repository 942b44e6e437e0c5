// What the tests have in common: the simulator, a clock that is set, a store and a transport that do harm.

import Foundation
import Testing
import WebexOAuth
import WebexOAuthTesting

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What the stage has prepared. Without it the tests cannot run.
enum Prepared {
    static func path(_ name: String) throws -> String {
        try #require(ProcessInfo.processInfo.environment["WEBEX_OAUTH_\(name)"], "run scripts/stages/90-swift")
    }
}

/// A process whose standard input is held open, so that it cannot outlive the test.
final class Child: @unchecked Sendable {
    let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let lines: AsyncStream<String>

    /// `outside`: on the machine, where the Swift root has not got what it needs.
    init(_ command: [String], outside: Bool = false, environment: [String: String] = [:]) throws {
        let launch = outside && FileManager.default.fileExists(atPath: "/host/bin/sh") ? ["/usr/sbin/chroot", "/host"] : []
        let all = launch + (outside ? ["/usr/bin/env", "PATH=\(try Prepared.path("HOST_PATH"))"] : []) + command
        process.executableURL = URL(fileURLWithPath: all[0])
        process.arguments = Array(all.dropFirst())
        if !environment.isEmpty {
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        }
        process.standardInput = input
        process.standardOutput = output
        let (lines, feed) = AsyncStream.makeStream(of: String.self)
        self.lines = lines
        let file = output.fileHandleForReading
        // A thread of its own: Swift's own few must not wait for a process.
        Thread.detachNewThread {
            var rest = Data()
            while case let data = file.availableData, !data.isEmpty {
                rest.append(data)
                while let end = rest.firstIndex(of: 10) {
                    feed.yield(String(decoding: rest[..<end], as: UTF8.self))
                    rest = Data(rest[(end + 1)...])
                }
            }
            feed.finish()
        }
        try process.run()
    }

    func line() async throws -> String {
        for await line in lines { return line }
        throw Failed("the process ended")
    }

    func write(_ line: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
    }

    func end() async throws {
        try? input.fileHandleForWriting.close()
        try await eventually("ended") { !process.isRunning }
    }

    deinit {
        try? input.fileHandleForWriting.close()
        if process.isRunning { process.terminate() }
    }
}

struct Failed: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The simulator of WebexOAuthTesting, one for each test, with what these tests want of a client.
struct Simulator: Sendable {
    static let redirect = "http://127.0.0.1:8080/callback"

    private let running: WebexOAuthTesting.Simulator
    var base: URL { running.baseURL }
    var clientID: String { running.clientID }
    var clientSecret: String { running.clientSecret }

    init(_ options: [String: any Sendable] = [:]) async throws {
        running = try await WebexOAuthTesting.Simulator()
        if !options.isEmpty { try await running.set(options) }
    }

    func url(_ path: String) -> URL { base.appendingPathComponent(path) }

    @discardableResult
    func control(
        _ method: String, _ path: String, _ body: [String: any Sendable]? = nil
    ) async throws -> [String: any Sendable] {
        try await running.control(path, body, method: method)
    }

    /// The person's decision; answers where the browser ends.
    func visit(_ url: URL, decision: String = "accept") async throws -> URL {
        try await running.authorize(url, decision: decision)
    }

    /// A sign-in without any page, as tokens to adopt; the access token is used up unless it lives for `seconds`.
    func issue(scope: String = "spark:all spark:kms", livesFor seconds: Int = 3600) async throws -> Issued {
        let answer = try await control("POST", "issue", ["client_id": clientID, "scope": scope])
        return Issued(
            access: try #require(answer["access_token"] as? String),
            refresh: try #require(answer["refresh_token"] as? String), scope: scope, seconds: seconds)
    }

    func fault(_ fault: [String: any Sendable]) async throws {
        try await control("POST", "faults", fault)
    }

    func counter(_ name: String) async throws -> Int {
        try await running.counter(name)
    }

    /// Waits until the simulator has seen so much.
    func sees(_ name: String, _ count: Int) async throws {
        for _ in 0..<3000 {
            if try await counter(name) >= count { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failed("\(name) did not reach \(count)")
    }

    func config(
        _ id: String? = nil, secret: String? = nil, scope: String = "spark:all spark:kms",
        change: (inout ConfigParts) -> Void = { _ in }
    ) throws -> Config {
        try Config.make(
            provider: .webex(at: base), clientID: id ?? clientID, clientSecret: id == nil ? clientSecret : secret,
            redirectURI: Self.redirect, scope: scope
        ) { parts in
            parts.refresh.backoffMs = 5000
            parts.refresh.minIntervalMs = 0
            // What a test has not asked for does not happen beside it.
            parts.refresh.proactive = false
            change(&parts)
        }
    }

    func client(
        store: (any TokenStore)? = nil, transport: any HTTPTransport = URLSessionTransport.shared,
        options: ClientOptions = ClientOptions(), change: (inout ConfigParts) -> Void = { _ in }
    ) async throws -> AuthClient {
        try await AuthClient(config(change: change), store: store, transport: transport, options: options)
    }

    /// A client with tokens of which the access token is over, or lives for so many seconds.
    func signedIn(
        livesFor seconds: Int, store: (any TokenStore)? = nil,
        transport: any HTTPTransport = URLSessionTransport.shared, options: ClientOptions = ClientOptions(),
        change: (inout ConfigParts) -> Void = { _ in }
    ) async throws -> (AuthClient, Issued) {
        let client = try await client(store: store, transport: transport, options: options, change: change)
        let issued = try await issue(livesFor: seconds)
        try await client.adopt(issued.handoff)
        return (client, issued)
    }
}

/// Tokens that the simulator has issued.
struct Issued: Sendable {
    let access: String
    let refresh: String
    let scope: String
    let seconds: Int

    var handoff: String {
        """
        {"access_token": "\(access)", "refresh_token": "\(refresh)", "expires_in": \(seconds), "scope": "\(scope)",
         "refresh_token_expires_in": 7775999, "token_type": "Bearer"}
        """
    }
}

/// A clock that reads what the test wants.
final class SetClock: @unchecked Sendable {
    private let lock = NSLock()
    private var ahead: TimeInterval = 0

    func advance(_ seconds: TimeInterval) {
        lock.withLock { ahead += seconds }
    }

    var options: ClientOptions {
        var options = ClientOptions()
        options.clock = { [self] in Date().addingTimeInterval(lock.withLock { ahead }) }
        return options
    }
}

/// A folder that goes with the test.
final class Folder: Sendable {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("webex-oauth-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}

/// An error whose text holds a secret, as those of other people's code may.
struct Leak: Error, CustomStringConvertible {
    static let secret = "leaked-8c1f5f0e"
    let description = "failed with \(Leak.secret)"
}

/// Waits until it is so.
func eventually(_ what: String, _ isSo: () async throws -> Bool) async throws {
    for _ in 0..<3000 {
        if try await isSo() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw Failed("not so in time: \(what)")
}

/// All that Swift can print of a value.
func printed(_ value: Any) -> String {
    var dumped = ""
    dump(value, to: &dumped)
    let texts = [String(describing: value), String(reflecting: value), "\(value)", dumped, mirrored(Mirror(reflecting: value))]
    guard let error = value as? any Error else { return texts.joined(separator: "\n") }
    return (texts + [error.localizedDescription, "\(error as NSError)"]).joined(separator: "\n")
}

/// What a debugger or a logging library finds that looks into a value by itself.
private func mirrored(_ mirror: Mirror, depth: Int = 0) -> String {
    guard depth < 10 else { return "" }
    let inherited = mirror.superclassMirror.map { mirrored($0, depth: depth + 1) } ?? ""
    return mirror.children.reduce(into: inherited) { text, child in
        text += "\(child.label ?? ""): \(child.value)\n" + mirrored(Mirror(reflecting: child.value), depth: depth + 1)
    }
}

/// The error of a call that has to fail.
func failure(_ call: () async throws -> Void) async throws -> AuthError {
    do {
        try await call()
    } catch let error as AuthError {
        return error
    }
    throw Failed("it had to fail")
}
