// What apps use in their own tests, and what only Apple's systems call.

import Foundation
import Testing
import WebexOAuthTesting

@testable import WebexOAuth

@Suite(.timeLimit(.minutes(1))) struct TestingTests {
    @Test func itsVariablesAreAConfiguration() async throws {
        let simulator = try await WebexOAuthTesting.Simulator(["--rotate"])
        let client = try await AuthClient(Config.make(variables: simulator.variables))
        try await client.completeLogin(simulator.authorize(client.beginLogin()))
        try await client.refresh()
        #expect(try await simulator.counter("refreshes_succeeded") == 1)
        try await simulator.reset()
        #expect(try await simulator.counter("refreshes_succeeded") == 0)
        await client.close()
    }

    @Test func tokensEndWhenATestSaysSo() async throws {
        let simulator = try await WebexOAuthTesting.Simulator()
        let clock = SetClock()
        let client = try await AuthClient(simulator.config(), options: clock.options)
        try await client.adopt(simulator.issue())
        let first = try await client.token().expose()
        try await simulator.advance(.seconds(15 * 24 * 3600))
        clock.advance(15 * 24 * 3600)
        #expect(try await client.token().expose() != first)
        try await simulator.revokeAll()
        await #expect(throws: AuthError.self) { try await client.refresh() }
        await client.close()
    }

    @Test func whatItDoesNotKnowIsAnError() async throws {
        await #expect(throws: SimulatorError.self) { try await WebexOAuthTesting.Simulator(["--no-such-option"]) }
        let simulator = try await WebexOAuthTesting.Simulator()
        await #expect(throws: SimulatorError.self) { try await simulator.control("no-such-place", [:]) }
    }

    @Test func theFirstAnswerCounts() async throws {
        let answer: String = try await withCheckedThrowingContinuation { continuation in
            let first = FirstAnswer(continuation)
            first.give(.success("one"))
            first.give(.success("two"))
            first.give(.failure(AuthError.closed))
        }
        #expect(answer == "one")
    }
}
