import Foundation
import Testing

@testable import WebexOAuth

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@Suite(.timeLimit(.minutes(1))) struct TokenTests {
    private let refreshGrant: [String: any Sendable] = ["grant_type": "refresh_token"]

    private func fault(_ name: String, _ more: [String: any Sendable] = [:]) -> [String: any Sendable] {
        refreshGrant.merging(["fault": name]) { $1 }.merging(more) { $1 }
    }

    @Test func twoHundredTasksOnAnExpiredTokenAreOneRefresh() async throws {
        let simulator = try await Simulator(["rotate": true])
        let (client, _) = try await simulator.signedIn(livesFor: 0)
        try await simulator.fault(fault("slow", ["ms": 100]))
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<200 {
                group.addTask { try await client.token().expose() }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(tokens.count == 1)
        #expect(try await simulator.counter("refreshes_attempted") == 1)
        await client.close()
    }

    @Test func aKnownTokenIsHandedOutWithoutTheCoordinator() async throws {
        let simulator = try await Simulator()
        let (client, issued) = try await simulator.signedIn(livesFor: 3600)
        #expect(try await client.token().expose() == issued.access)
        #expect(client.executor.fresh.token(at: client.executor.now)?.expose() == issued.access)
        // Past the soon line, and before the token was published, the coordinator is asked.
        #expect(client.executor.fresh.token(at: client.executor.now + 3_500_000) == nil)
        #expect(client.executor.fresh.token(at: client.executor.now - 60_000) == nil)
        try await client.signOut()
        #expect(client.executor.fresh.token(at: client.executor.now) == nil)
        await client.close()
    }

    @Test func aCallerThatIsCancelledChangesNothingForTheOthers() async throws {
        let simulator = try await Simulator(["rotate": true])
        let (client, _) = try await simulator.signedIn(livesFor: 0)
        try await simulator.fault(fault("hold"))
        let first = Task { try await client.token() }
        try await simulator.sees("refreshes_attempted", 1)
        let second = Task { try await client.token() }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        try await simulator.control("POST", "release")
        #expect(try await !second.value.expose().isEmpty)
        #expect(try await simulator.counter("refreshes_attempted") == 1)
        await client.close()
    }

    @Test func aTaskThatIsCancelledAlreadyGetsNoFurther() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 0)
        let task = Task {
            try? await Task.sleep(for: .seconds(60))
            return try await client.token()
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await client.close()
    }

    @Test func theRefreshAheadOfExpiryIsNobodysWait() async throws {
        let simulator = try await Simulator()
        let clock = SetClock()
        let (client, issued) = try await simulator.signedIn(livesFor: 1000, options: clock.options)
        clock.advance(901)
        try await simulator.fault(fault("hold"))
        #expect(try await client.token().expose() == issued.access)
        try await simulator.sees("refreshes_attempted", 1)
        #expect(try await client.token().expose() == issued.access)
        try await simulator.control("POST", "release")
        try await eventually("the new token") { try await client.token().expose() != issued.access }
        await client.close()
    }

    @Test func aLostAnswerKeepsTheTokensAndIsTriedAgain() async throws {
        let simulator = try await Simulator(["rotate": true, "reuse_grace_ms": 3_600_000])
        let clock = SetClock()
        let (client, _) = try await simulator.signedIn(livesFor: 0, options: clock.options)
        try await simulator.fault(fault("cut", ["after": true]))
        guard case .unavailable(let fault, let retryAt) = try await failure({ _ = try await client.token() }) else {
            throw Failed("another error")
        }
        #expect(fault.isTransient && retryAt > Date())
        clock.advance(60)
        #expect(try await !client.token().expose().isEmpty)
        await client.close()
    }

    @Test(arguments: [429, 500, 503]) func aServerInTroubleDoesNotSignAnybodyOut(status: Int) async throws {
        let simulator = try await Simulator()
        let clock = SetClock()
        let (client, _) = try await simulator.signedIn(livesFor: 0, options: clock.options)
        try await simulator.fault(fault("status", ["status": status, "retry_after": "30"]))
        let error = try await failure { _ = try await client.token() }
        #expect(error.isTransient)
        clock.advance(61)
        #expect(try await !client.token().expose().isEmpty)
        await client.close()
    }

    @Test func anHTMLPageAndAGigabyteAreFailuresOfTheServer() async throws {
        let simulator = try await Simulator()
        let clock = SetClock()
        let (client, _) = try await simulator.signedIn(livesFor: 0, options: clock.options)
        for fault in [
            fault("html", ["status": 502]), fault("huge", ["length": 1_000_000_000, "send": 10_000_000]), fault("truncated"),
            fault("redirect", ["location": "/v1/echo"]), fault("empty_body"),
        ] {
            try await simulator.fault(fault)
            guard case .unavailable = try await failure({ _ = try await client.token() }) else { throw Failed("another error") }
            clock.advance(3600)
        }
        #expect(client.status.canRefresh)
        await client.close()
    }

    @Test func aRevokedGrantEndsTheSessionAndAsksForTheUser() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 0)
        let signals = client.authSignals
        try await simulator.control("POST", "revoke", ["all": true])
        guard case .signInRequired(.signedOut(.grantEnded)) = try await failure({ _ = try await client.token() }) else {
            throw Failed("another error")
        }
        for await signal in signals {
            guard case .reLoginRequired(.signedOut(.grantEnded)) = signal else { throw Failed("\(signal)") }
            break
        }
        await client.close()
    }

    @Test func theSDKHearsThatItsTokenHasEnded() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 0)
        let heard = Locked(0)
        let subscription = client.onTokenExpired { heard.withLock { $0 += 1 } }
        try await simulator.control("POST", "down", ["down": true])
        let error = try await failure { _ = try await client.token() }
        guard case .unavailable = error else { throw Failed("\(error)") }
        try await eventually("heard \(heard.withLock { $0 })") { heard.withLock { $0 } >= 1 }
        subscription.cancel()
        await client.close()
    }

    @Test func theSDKsAuthenticatorIsFedNowAndAfterEachRenewal() async throws {
        let simulator = try await Simulator()
        let (client, issued) = try await simulator.signedIn(livesFor: 3600)
        let fed = Locked<[String]>([])
        let feeding = Task {
            try await client.tokenProvider.feed { token in
                #expect(token.expiryInSeconds ?? 0 > 3000)
                fed.withLock { $0.append(token.accessToken) }
            }
        }
        try await eventually("the first") { fed.withLock { $0 } == [issued.access] }
        try await client.refresh()
        let second = try await client.token().expose()
        try await eventually("the second") { fed.withLock { $0 } == [issued.access, second] }
        await client.close()
        try await feeding.value
    }

    @Test func eventsComeInOrderToEveryListenerAndEndWithTheClient() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client()
        let streams = [client.events, client.events]
        try await client.adopt(simulator.issue(livesFor: 0).handoff)
        _ = try await client.token()
        try await client.signOut()
        await client.close()
        for stream in streams {
            let names = await stream.reduce(into: []) { $0.append($1.name) }
            #expect(names.filter { !$0.hasPrefix("response:") } == ["ready", "token:refresh", "client:logout"])
        }
        #expect(await client.events.first { _ in true } == nil)
    }

    @Test func anAdoptedRefreshTokenAloneIsEnough() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client()
        try await client.adopt(#"{"refresh_token": "\#(simulator.issue().refresh)"}"#)
        #expect(try await !client.token().expose().isEmpty)
        await client.close()
    }
}
