import Foundation
import Testing
import WebexOAuth

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@Suite(.timeLimit(.minutes(1))) struct CallTests {
    private func echo(_ answer: APIResponse) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: answer.body) as? [String: Any])
    }

    @Test func a401BringsANewTokenAndOneReplay() async throws {
        let simulator = try await Simulator()
        let (client, issued) = try await simulator.signedIn(livesFor: 3600)
        try await simulator.control("POST", "expire", ["access": true, "refresh": false])
        let answers = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask { try await client.call(URLRequest(url: simulator.url("v1/people/me"))).status }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: 200, count: 20))
        #expect(try await simulator.counter("refreshes_attempted") == 1)
        #expect(try await client.token().expose() != issued.access)
        await client.close()
    }

    @Test func aSecond401IsTheAnswer() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        try await simulator.fault(["fault": "status", "status": 401, "endpoint": "people_me", "times": 2])
        let answer = try await client.call(URLRequest(url: simulator.url("v1/people/me")))
        #expect(answer.status == 401)
        #expect(try await simulator.counter("api_calls") <= 2)
        await client.close()
    }

    @Test func a401ThatCannotBeHelpedSaysWhy() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        try await simulator.control("POST", "revoke", ["all": true])
        let answer = try await client.call(URLRequest(url: simulator.url("v1/people/me")))
        #expect(answer.status == 401)
        guard case .signInRequired? = answer.refreshError else { throw Failed("\(answer)") }
        await client.close()
    }

    @Test func theCallersOwnAuthorizationIsNeverReplaced() async throws {
        let simulator = try await Simulator()
        let (client, issued) = try await simulator.signedIn(livesFor: 3600)
        var request = URLRequest(url: simulator.url("v1/people/me"))
        request.setValue("Bearer mine", forHTTPHeaderField: "authorization")
        #expect(try await client.authorized(request).value(forHTTPHeaderField: "Authorization") == "Bearer mine")
        #expect(try await client.call(request).status == 401)
        #expect(try await client.token().expose() == issued.access)
        await client.close()
    }

    @Test func theTokenGoesToAllowedHostsOnly() async throws {
        let simulator = try await Simulator()
        let seen = Recorder()
        let (client, issued) = try await simulator.signedIn(livesFor: 3600, transport: seen)
        for url in ["https://example.com/", "http://webexapis.com.example.com/v1", "https://127.0.0.1.example.com/"] {
            let request = URLRequest(url: try #require(URL(string: url)))
            #expect(try await client.call(request).status == 204)
            #expect(try await client.authorized(request).value(forHTTPHeaderField: "Authorization") == nil)
        }
        #expect(seen.authorizations == [nil, nil, nil])
        _ = try await client.call(URLRequest(url: simulator.url("v1/people/me")))
        #expect(seen.authorizations.last == "Bearer \(issued.access)")
        await client.close()
    }

    @Test func aRedirectIsAnAnswer() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        try await simulator.fault(["fault": "redirect", "location": "http://example.com/", "endpoint": "people_me"])
        let answer = try await client.call(URLRequest(url: simulator.url("v1/people/me")))
        #expect(answer.status == 302)
        #expect(answer.header("location") == "http://example.com/")
        await client.close()
    }

    @Test func aWaitThatTheAPIAsksForIsWaited() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        try await simulator.fault(["fault": "status", "status": 429, "retry_after": "1", "endpoint": "people_me"])
        let begun = ContinuousClock.now
        #expect(try await client.call(URLRequest(url: simulator.url("v1/people/me"))).status == 200)
        #expect(ContinuousClock.now - begun >= .seconds(1))
        try await simulator.fault(["fault": "status", "status": 429, "retry_after": "3000", "endpoint": "people_me"])
        #expect(try await client.call(URLRequest(url: simulator.url("v1/people/me"))).status == 429)
        await client.close()
    }

    @Test func anEmbargoEndsTheSession() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        try await simulator.fault(["fault": "status", "status": 451, "endpoint": "people_me"])
        #expect(try await client.call(URLRequest(url: simulator.url("v1/people/me"))).status == 451)
        guard case .signInRequired(.signedOut(.embargoed)) = try await failure({ _ = try await client.token() }) else {
            throw Failed("another error")
        }
        await client.close()
    }

    @Test func aBodyArrivesAndALongAnswerIsRefused() async throws {
        let simulator = try await Simulator()
        var options = ClientOptions()
        options.maxBody = 100_000
        let (client, _) = try await simulator.signedIn(livesFor: 3600, options: options)
        var request = URLRequest(url: simulator.url("v1/echo/here"))
        request.httpMethod = "PUT"
        request.httpBody = Data("what".utf8)
        let (data, response) = try await client.data(for: request)
        #expect(response.statusCode == 200)
        let echo = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(echo["method"] as? String == "PUT")
        #expect("\(echo["body"] ?? "")".contains("what"))
        for length in [100_001, 1_000_000_000] {
            try await simulator.fault(["fault": "huge", "length": length, "send": min(length, 200_000), "endpoint": "echo"])
            guard case .call(.tooLarge, _) = try await failure({ _ = try await client.call(request) }) else {
                throw Failed("another error")
            }
        }
        await client.close()
    }

    @Test func aCallThatIsCancelledEndsAtOnce() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        try await simulator.fault(["fault": "hold", "endpoint": "echo"])
        let call = Task { try await client.call(URLRequest(url: simulator.url("v1/echo"))) }
        try await Task.sleep(for: .milliseconds(200))
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        await client.close()
    }

    @Test func anUnreachableHostIsNotSentAndTheURLIsNotTold() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        let url = try #require(URL(string: "http://127.0.0.1:1/?key=in-the-url-5f3"))
        let error = try await failure { _ = try await client.call(URLRequest(url: url)) }
        guard case .call(.notSent, _) = error else { throw Failed("\(error)") }
        #expect(!printed(error).contains("in-the-url-5f3"))
        for odd in ["file:///etc/passwd", "data:text/plain,x", "about:blank"] {
            let request = URLRequest(url: try #require(URL(string: odd)))
            // No address that a token could go to: told as misuse, before anything is sent.
            guard case .misuse = try await failure({ _ = try await client.call(request) }) else {
                throw Failed("another error")
            }
        }
        await client.close()
    }

    @Test func anAppWithItsOwnHTTPTellsARefusedToken() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        let refused = try await client.token()
        try await client.rejected(refused)
        let next = try await client.token()
        #expect(next.generation > refused.generation)
        try await client.rejected(refused)
        #expect(try await client.token().generation == next.generation)
        await client.close()
    }
}

/// Answers 204 and keeps what it saw.
final class Recorder: HTTPTransport, @unchecked Sendable {
    private let lock = NSLock()
    private var seen: [String?] = []

    var authorizations: [String?] { lock.withLock { seen } }

    func send(_ request: URLRequest, limits: TransportLimits) async throws -> TransportResponse {
        lock.withLock { seen.append(request.value(forHTTPHeaderField: "Authorization")) }
        return TransportResponse(status: 204, headers: [], body: Data())
    }
}
