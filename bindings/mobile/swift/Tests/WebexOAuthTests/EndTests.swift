import Foundation
import Testing
import WebexOAuth
import WebexOAuthCore

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Closing, letting go, bad input, other people's code.
@Suite(.timeLimit(.minutes(1))) struct EndTests {
    @Test func closingWaitsForARefreshThatIsUnderWay() async throws {
        let simulator = try await Simulator(["rotate": true])
        let store = MemoryStore()
        let (client, issued) = try await simulator.signedIn(livesFor: 0, store: store)
        try await simulator.fault(["fault": "hold", "grant_type": "refresh_token"])
        let waiting = Task { try await client.token() }
        try await simulator.sees("refreshes_attempted", 1)
        let closing = Task { await client.close() }
        guard case .closed = try await failure({ _ = try await waiting.value }) else { throw Failed("another error") }
        try await simulator.control("POST", "release")
        await closing.value
        let snapshot = try #require(store.load()).expose()
        #expect(!snapshot.contains(issued.refresh))
        // The rotated token is the one that was stored.
        let again = try await simulator.client(store: store)
        #expect(try await !again.token().expose().isEmpty)
        #expect(try await simulator.counter("refreshes_attempted") == 1)
        await again.close()
    }

    @Test func aClientThatIsLetGoInFlightStoresTheAnswer() async throws {
        let simulator = try await Simulator(["rotate": true])
        let store = MemoryStore()
        let issued: Issued
        weak var gone: AuthClient?
        do {
            let (client, tokens) = try await simulator.signedIn(livesFor: 0, store: store)
            issued = tokens
            gone = client
            try await simulator.fault(["fault": "hold", "grant_type": "refresh_token"])
            let waiting = Task { try await client.token() }
            try await simulator.sees("refreshes_attempted", 1)
            waiting.cancel()
            _ = await waiting.result
        }
        try await simulator.control("POST", "release")
        try await eventually("stored") { try #require(store.load()).expose().contains(issued.refresh) == false }
        try await eventually("let go") { gone == nil }
    }

    @Test func aCallThatIsUnderWayEndsWhenTheClientIsClosedOrLetGo() async throws {
        let simulator = try await Simulator()
        for closes in [true, false] {
            weak var gone: AuthClient?
            let call: Task<Int, any Error>
            do {
                let (client, _) = try await simulator.signedIn(livesFor: 3600)
                gone = client
                try await simulator.fault(["fault": "hold", "endpoint": "echo"])
                let begun = try await simulator.counter("api_calls")
                call = Task { try await client.call(URLRequest(url: simulator.url("v1/echo"))).status }
                try await simulator.sees("api_calls", begun + 1)
                if closes { await client.close() }
            }
            try await simulator.control("POST", "release")
            #expect(try await call.value == 200)
            try await eventually("let go") { gone == nil }
        }
    }

    @Test func callsAfterCloseAreToldSo() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        _ = try await client.token()
        await client.close()
        await client.close()
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await client.token() }, { _ = try await client.authorizationHeader() },
            { _ = try await client.userToken() }, { try await client.refresh() }, { _ = try await client.beginLogin() },
            { try await client.completeLogin(callback: "x") }, { try await client.cancelLogin() },
            { try await client.redeemCode("x") }, { _ = try await client.beginDeviceLogin() },
            { try await client.signIn(jwt: "x") }, { try await client.signInWithClientCredentials() },
            { try await client.signInAsGuest(serviceToken: "x", subject: "x", displayName: "x") },
            { try await client.adopt("x") }, { try await client.signOut() },
            { _ = try await client.call(URLRequest(url: simulator.url("v1/people/me"))) },
            { _ = try await client.call(URLRequest(url: URL(fileURLWithPath: "/"))) },
            { _ = try await client.tokenProvider.token() },
        ]
        for (number, call) in calls.enumerated() {
            guard case .closed = try await failure(call) else { throw Failed("call \(number)") }
        }
        // Questions are still answered.
        #expect(client.status.generation == 1)
        #expect(client.tokens != nil)
    }

    @Test func oddTextsAreTypedErrors() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client()
        let odd = [
            "", " ", "\u{0}", "a\u{0}b", "\u{FEFF}", "𝒳🧨\u{200D}", "\r\nAuthorization: x", "%00",
            String(repeating: "é", count: 200_000),
        ]
        for text in odd {
            // Whatever comes of it, it is no crash and no foreign error.
            for call: @Sendable () async throws -> Void in [
                { try await client.adopt(text) }, { try await client.signIn(jwt: text) },
                { try await client.redeemCode(text, verifier: text) }, { try await client.completeLogin(callback: text) },
                { _ = try await client.userToken(scope: text) },
                { try await client.signInAsGuest(serviceToken: text, subject: text, displayName: text) },
                { _ = try client.guestJWT(subject: text, issuer: text, secret: text, lifetime: .text(text: text)) },
                {
                    var options = LoginOptions(scope: text)
                    options.email = text
                    options.prompt = text
                    options.state = .json(object: text)
                    _ = try await client.beginLogin(options)
                },
            ] {
                do { try await call() } catch is AuthError {}
            }
        }
        await client.close()
        for text in odd {
            #expect(throws: ConfigError.self) { try Config.make(clientID: "", redirectURI: text) }
            _ = try? Config.make(clientID: text, clientSecret: text, redirectURI: text, scope: text)
            _ = try? Config.make(authorizationURL: text)
        }
    }

    @Test func aTransportThatThrowsTellsNothing() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 0, transport: ThrowingTransport())
        let error = try await failure { _ = try await client.token() }
        guard case .unavailable = error else { throw Failed("\(error)") }
        #expect(!printed(error).contains(Leak.secret))
        let call = try await failure { _ = try await client.call(URLRequest(url: #require(URL(string: "https://example.com")))) }
        guard case .call(.lost, _) = call else { throw Failed("\(call)") }
        #expect(!printed(call).contains(Leak.secret))
        await client.close()
    }

    @Test func aTransportThatNeverAnswersIsGivenUp() async throws {
        let simulator = try await Simulator()
        let (client, _) = try await simulator.signedIn(livesFor: 0, transport: SilentTransport()) {
            $0.requestTimeoutMs = 200
        }
        guard case .unavailable(let fault, _) = try await failure({ _ = try await client.token() }) else {
            throw Failed("another error")
        }
        #expect(fault.send == .lost)
        await client.close()
    }

    @Test func aHostsCallbackThatThrowsTellsNothing() async throws {
        let simulator = try await Simulator()
        var options = ClientOptions()
        options.askForToken = { _ in throw Leak() }
        let (client, _) = try await simulator.signedIn(livesFor: 0, options: options) { $0.renewal = .hostToken }
        let error = try await failure { _ = try await client.token() }
        #expect(!printed(error).contains(Leak.secret))
        #expect(!printed(client.status).contains(Leak.secret))
        await client.close()
    }

    @Test func aCallersPatienceEnds() async throws {
        let simulator = try await Simulator()
        var options = ClientOptions()
        options.patience = .milliseconds(200)
        let (client, _) = try await simulator.signedIn(livesFor: 0, options: options)
        try await simulator.fault(["fault": "hold", "grant_type": "refresh_token"])
        guard case .timedOut = try await failure({ _ = try await client.token() }) else { throw Failed("another error") }
        try await simulator.sees("refreshes_attempted", 1)
        try await simulator.control("POST", "release")
        try await eventually("the token") { (try? await client.token()) != nil }
        await client.close()
    }

    @Test @MainActor func callsFromTheMainThreadAreFine() async throws {
        let simulator = try await Simulator()
        let (client, issued) = try await simulator.signedIn(livesFor: 3600)
        #expect(try await client.token().expose() == issued.access)
        #expect(try await client.token().expose() == issued.access)
        #expect(try await client.data(for: URLRequest(url: simulator.url("v1/people/me"))).1.statusCode == 200)
        try await client.refresh()
        try await client.completeLogin(simulator.visit(client.beginLogin()))
        try await client.signOut()
        #expect(client.tokens == nil)
        await client.close()
    }
}

/// 100,000 of them, one after the other. Alone, because memory is the process's.
@Suite(.serialized, .timeLimit(.minutes(5))) struct MemoryTests {
    private func resident() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return try #require(Int(text.split(separator: " ")[1])) * 4096
    }

    private func isFlat(_ what: String, _ step: () async throws -> Void) async throws {
        for _ in 0..<2000 { try await step() }
        let before = try resident()
        for _ in 0..<100_000 { try await step() }
        let grown = try resident() - before
        // Other tests run beside: a leak of one object each would be ten megabytes and more.
        #expect(grown < 24 * 1024 * 1024, "\(what): \(grown / 1024) KiB more")
    }

    @Test func aHundredThousandClientsLeaveNothingBehind() async throws {
        let config = try Config.make(clientID: "c", clientSecret: "s", redirectURI: "https://example.com/")
        try await isFlat("clients") {
            let client = try await AuthClient(config)
            _ = try await client.beginLogin()
            await client.close()
        }
    }

    @Test func aHundredThousandClientsThatAreOnlyLetGoLeaveNothingBehind() async throws {
        let config = try Config.make(clientID: "c", clientSecret: "s", redirectURI: "https://example.com/")
        try await isFlat("clients let go") {
            let client = try await AuthClient(config)
            try await client.adopt("Bearer token")
            _ = try await client.token()
        }
    }
}

struct ThrowingTransport: HTTPTransport {
    func send(_ request: URLRequest, limits: TransportLimits) async throws -> TransportResponse {
        throw Leak()
    }
}

struct SilentTransport: HTTPTransport {
    func send(_ request: URLRequest, limits: TransportLimits) async throws -> TransportResponse {
        // Does not even listen when it is cancelled.
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + 5) { continuation.resume() }
        }
        throw Leak()
    }
}
