import Foundation
import Testing
import WebexOAuth
import WebexOAuthCore

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Nothing that is printed, in any of Swift's ways, contains a secret.
@Suite(.timeLimit(.minutes(1))) struct SecretTests {
    @Test func whatIsPrintedIsLookedInto() {
        struct Box { let inner: [String: Any] }
        #expect(printed(Leak()).contains(Leak.secret))
        #expect(printed(Box(inner: ["a": ["b", Leak.secret]])).contains(Leak.secret))
    }

    @Test func valuesThatHoldSecretsPrintNone() async throws {
        let simulator = try await Simulator()
        let store = MemoryStore()
        let (client, issued) = try await simulator.signedIn(livesFor: 3600, store: store)
        let token = try await client.token()
        let answer = try await client.call(URLRequest(url: simulator.url("v1/people/me")))
        let response = TransportResponse(status: 200, headers: [("set-cookie", issued.access)], body: Data(issued.refresh.utf8))
        let values: [Any] = [
            client, client.config, client.config.parts(), client.status, try #require(client.tokens), token, answer, response,
            try #require(store.load()), Secret(text: issued.access), try await client.tokenProvider.token(), store,
            try await client.userToken(scope: "spark:all"), client.tokenProvider,
            SignOutOptions(), LoginOptions(), AuthEvent.storeRecovered, [token], ["key": token], Optional(token) as Any,
        ]
        let text = values.map(printed).joined(separator: "\n")
        let reduced = try await client.userToken(scope: "spark:all").expose()
        for secret in [issued.access, issued.refresh, simulator.clientSecret, reduced] {
            #expect(!text.contains(secret))
        }
        await client.close()
    }

    @Test func theValuesThatDriversSeePrintNone() throws {
        let config = try Config.make(
            provider: .webex, clientID: "c", clientSecret: "client-secret-1", redirectURI: "https://example.com/cb",
            scope: "spark:all")
        var bytes = Data((0..<64).map { UInt8($0) })
        let session = try Session(config: config, seed: Entropy(bytes: bytes))
        let tokens = #"{"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 1}"#
        var values: [Any] = [session]
        for input: Input in [
            .adopt(tokens: Secret(text: tokens)), .refresh,
            .response(
                id: 1,
                response: HttpResponse(
                    status: 400, headers: [], body: Data(#"{"error":"x","error_description":"refresh-1"}"#.utf8))),
        ] {
            values.append(input)
            let output = try session.handle(now: 1_700_000_000_000, input: input)
            values.append(output)
            values.append(contentsOf: output.tasks)
            values.append(contentsOf: output.tasks.map { $0.effect() })
        }
        bytes[0] = 9
        values.append(try Entropy(bytes: bytes))
        let login = try session.handle(
            now: 1_700_000_000_000,
            input: .beginLogin(options: LoginOptions().coreForTests, entropy: Entropy(bytes: bytes)))
        values.append(contentsOf: login.tasks.map { $0.effect() })
        values.append(session.snapshot())
        let text = values.map(printed).joined(separator: "\n")
        for secret in ["access-1", "refresh-1", "client-secret-1", "Y2xpZW50LXNlY3JldC0x"] {
            #expect(!text.contains(secret), "\(secret)")
        }
    }

    @Test func errorsAndEventsPrintNone() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client()
        let events = client.events
        let issued = try await simulator.issue(livesFor: 0)
        try await client.adopt(issued.handoff)
        try await simulator.fault([
            "fault": "status", "status": 400, "grant_type": "refresh_token",
            "body": ["error": "invalid_request", "error_description": "\(issued.refresh) and \(simulator.clientSecret)"],
        ])
        var seen = [try await failure { _ = try await client.token() }]
        seen.append(
            try await failure { try await client.completeLogin(callback: "\(Simulator.redirect)?code=the-code-77&state=x") })
        seen.append(try await failure { try await client.signIn(jwt: "\(issued.access).x.y") })
        seen.append(
            try await failure {
                _ = try client.guestJWT(issuer: "i", secret: "%secret-not-base64%", lifetime: .seconds(seconds: 1))
            })
        try await client.signOut()
        await client.close()
        var text = seen.map(printed).joined(separator: "\n")
        for await event in events { text += printed(event) }
        for secret in [issued.access, issued.refresh, simulator.clientSecret, "the-code-77", "%secret-not-base64%"] {
            #expect(!text.contains(secret), "\(secret) in \(text)")
        }
    }

    @Test func aTranscriptHoldsNoSecret() async throws {
        let simulator = try await Simulator()
        var options = ClientOptions()
        options.record = true
        let (client, issued) = try await simulator.signedIn(livesFor: 0, options: options)
        let token = try await client.token()
        let transcript = try #require(client.transcript)
        #expect(transcript.contains("refresh"))
        for secret in [issued.access, issued.refresh, token.expose(), simulator.clientSecret] {
            #expect(!transcript.contains(secret))
        }
        await client.close()
    }
}

extension WebexOAuth.LoginOptions {
    fileprivate var coreForTests: WebexOAuthCore.LoginOptions {
        WebexOAuthCore.LoginOptions(
            flow: .code, scope: nil, state: nil, prompt: nil, loginHint: nil, email: nil, redirectUri: nil,
            responseMode: nil, extra: [])
    }
}
