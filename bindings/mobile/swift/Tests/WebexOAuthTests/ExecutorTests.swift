import Foundation
import Testing

@testable import WebexOAuth

/// What only an executor can get wrong: ends and listeners. What it is told to do is the coordinator's.
@Suite(.timeLimit(.minutes(1))) struct ExecutorTests {
    @Test func aClientThatIsOnlyLetGoLeavesNoTimerBehind() async throws {
        let simulator = try await Simulator()
        weak var gone: Executor?
        do {
            let (client, _) = try await simulator.signedIn(livesFor: 3600)
            _ = try await client.token()
            gone = client.executor
            #expect(gone != nil)
        }
        try await eventually("let go") { gone == nil }
    }

    @Test func aCallbackThatNeverAnswersIsToldToStopAndNotWaitedForAtTheEnd() async throws {
        let simulator = try await Simulator()
        let (asked, stopped) = (Locked(false), Locked(false))
        var options = ClientOptions()
        options.askForToken = { _ in
            asked.withLock { $0 = true }
            defer { stopped.withLock { $0 = true } }
            try await Task.sleep(for: .seconds(600))
            throw Failed("nobody stopped it")
        }
        let (client, _) = try await simulator.signedIn(livesFor: 0, options: options) { $0.renewal = .hostToken }
        let waiting = Task { try await client.token() }
        try await eventually("asked") { asked.withLock { $0 } }
        let begun = ContinuousClock.now
        await client.close()
        #expect(ContinuousClock.now - begun < .seconds(10))
        guard case .closed = try await failure({ _ = try await waiting.value }) else { throw Failed("another error") }
        try await eventually("stopped") { stopped.withLock { $0 } }
    }

    @Test func aSaveThatNeverEndsDoesNotKeepAClientFromItsEnd() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client(store: HangingStore()) { $0.requestTimeoutMs = 300 }
        let login = Task { try? await client.beginLogin() }
        let begun = ContinuousClock.now
        await client.close()
        #expect(ContinuousClock.now - begun < .seconds(20))
        _ = await login.value
    }

    @Test func aListenerThatFallsBehindLosesTheOldestAndNobodyElseDoes() async throws {
        let client = try await AuthClient(.make(clientID: "c", clientSecret: "s", redirectURI: "https://example.com/"))
        let (slow, quick) = (client.events, client.events)
        let all = Task { await quick.reduce(into: 0) { count, _ in count += 1 } }
        for number in 0..<600 {
            try await client.adopt("Bearer token-\(number)")
            await Task.yield()
        }
        await client.close()
        let kept = await slow.reduce(into: 0) { count, _ in count += 1 }
        #expect(kept == 512)
        #expect(await all.value > kept)
    }
}

private struct HangingStore: TokenStore {
    func load() async throws -> Secret? { nil }

    func save(_ put: Put) async throws -> SaveResult {
        try await Task.sleep(for: .seconds(600))
        return .stored
    }

    func delete() async throws {}
}
