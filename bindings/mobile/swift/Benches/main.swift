// What token() costs on a valid token, what a call into the library would cost, and how long a cold start takes.
//
//     benches             prints figures, measured here and now
//     benches login       makes one login URL and ends: for timing the whole process from outside

import Foundation
import WebexOAuth
import WebexOAuthCore

func config() throws -> WebexOAuth.Config {
    try .make(clientID: "C1234", clientSecret: "s", redirectURI: "com.example.app:/callback", scope: "spark:people_read")
}

/// Nanoseconds for one; the best of several rounds, because others use this machine too.
@discardableResult
func measure(_ name: String, _ times: Int, _ body: () async throws -> Void) async throws -> Double {
    var best = Double.infinity
    for _ in 0..<9 {
        let begun = ContinuousClock.now
        for _ in 0..<times { try await body() }
        let (seconds, attoseconds) = (ContinuousClock.now - begun).components
        best = min(best, (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(times))
    }
    print(name.padding(toLength: 60, withPad: " ", startingAt: 0) + String(format: "%10.0f ns", best))
    return best
}

/// In a function, because what stands outside of one is the main actor's, and each call would wait for its turn there.
func run() async throws {
    let begun = ContinuousClock.now
    let client = try await AuthClient(config())
    let url = try await client.beginLogin()
    let cold = ContinuousClock.now - begun
    guard !CommandLine.arguments.contains("login") else {
        print(url.scheme ?? "")
        return
    }
    try await client.cancelLogin()
    let tokens = #"{"access_token": "token", "refresh_token": "refresh", "expires_in": 1209600}"#
    try await client.adopt(tokens)
    let session = try Session(config: config(), seed: Entropy(bytes: Data((0..<64).map { UInt8($0) })))
    let now = Int64(Date().timeIntervalSince1970 * 1000)
    _ = try session.handle(now: now, input: .adopt(tokens: Secret(text: tokens)))

    let whole = try await measure("token(), the token being known to be good", 200_000) { _ = try await client.token() }
    try await measure("authorizationHeader(), the same", 200_000) { _ = try await client.authorizationHeader() }
    let clock = try await measure("of that: the clock", 200_000) { _ = Date() }
    try await measure("one call across the FFI, the smallest there is", 100_000) { _ = session.revision() }
    let asked = try await measure("what is spared: access() and the header across the FFI", 50_000) {
        if case .ready(let token, _, _, _) = session.access(now: now) { _ = token.exposeHeader() }
    }
    print("the FFI's share of token() on a known token: no call at all, 0 %; the clock's share: \(Int(100 * clock / whole)) %")
    print(String(format: "asking the session each time would take %.0f times as long", asked / whole))
    print("first client and first login URL in a new process: \(cold)")
    await client.close()
}

try await run()
