// The README's snippets, in its order. What stands between the marks is what the README shows, and all of it is run.

import Foundation
import Testing
import WebexOAuthTesting

@testable import WebexOAuth

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@Suite(.timeLimit(.minutes(1))) struct Snippets {
    @Test func theReadmeShowsWhatIsRunHere() throws {
        let here = URL(fileURLWithPath: #filePath)
        let readme = here.appendingPathComponent("../../../README.md").standardized
        let blocks = try String(contentsOf: readme, encoding: .utf8).components(separatedBy: "```swift\n").dropFirst()
            .map { $0.components(separatedBy: "\n```")[0] }
        let apple = here.deletingLastPathComponent().appendingPathComponent("AppleSnippets.swift")
        let snippets = try [here, apple].flatMap(snippets)
        #expect(Set(blocks) == Set(snippets))
        #expect(blocks.count == snippets.count && blocks.count >= 10)
    }

    /// What stands between the marks, moved to the left margin.
    private func snippets(_ file: URL) throws -> [String] {
        // In pieces: this line must not be a mark itself.
        let mark = "// README" + "\n"
        return try String(contentsOf: file, encoding: .utf8).components(separatedBy: mark).dropFirst().map { part in
            let lines = part.components(separatedBy: "// END")[0].split(separator: "\n", omittingEmptySubsequences: false)
                .dropLast()
            let indent = lines.first?.prefix { $0 == " " }.count ?? 0
            return lines.map { String($0.dropFirst(indent)) }.joined(separator: "\n")
        }
    }

    private func show(_ text: String) {
        #expect(!text.isEmpty)
    }

    @Test func configuration() async throws {
        let folder = try Folder()
        let file = folder.file("session")
        let secret = "of the developer portal"
        // README
        let config = try Config.make(
            clientID: "C1234", clientSecret: secret, redirectURI: "com.example.app:/callback",
            scope: "spark:people_read spark:rooms_read")
        let client = try await AuthClient(config, store: FileStore(file))
        // END
        #expect(try await client.beginLogin().host == "webexapis.com")
        await client.close()
    }

    @Test func aLoginAndWhatFollows() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client()
        let rooms = simulator.url("v1/people/me")
        let callback = try await simulator.visit(client.beginLogin())
        try await client.completeLogin(callback)
        try await login(client, simulator)
        try await use(client, rooms)
        try await call(client, rooms)
        try await failing(client, simulator)
        try await sdk(simulator)
        try await leave(simulator)
    }

    private func login(_ client: AuthClient, _ simulator: Simulator) async throws {
        let opened = try await simulator.client()
        let callback = try await simulator.visit(opened.beginLogin())
        try await opened.completeLogin(callback)
        await opened.close()
        try await begin(client, simulator)
    }

    private func begin(_ client: AuthClient, _ simulator: Simulator) async throws {
        let callback = try #require(URL(string: "\(Simulator.redirect)?code=x&state=forged"))
        do {
            // README
            // 1. Open this page: WebAuthenticationLogin does it on Apple's systems.
            let url = try await client.beginLogin()
            // 2. The system gives your app the address where the browser ends.
            try await client.completeLogin(callback)
            // END
            Issue.record("\(url) was completed by a forged callback")
        } catch AuthError.callbackIgnored(.wrongState) {
            try await client.cancelLogin()
        }
    }

    private func use(_ client: AuthClient, _ rooms: URL) async throws {
        // README
        let token = try await client.token()
        var request = URLRequest(url: rooms)
        request.setValue(token.exposeHeader(), forHTTPHeaderField: "Authorization")
        // END
        #expect(try await client.call(request).status == 200)
    }

    private func call(_ client: AuthClient, _ rooms: URL) async throws {
        // README
        let (data, response) = try await client.data(for: URLRequest(url: rooms))
        // END
        #expect(response.statusCode == 200 && !data.isEmpty)
    }

    private func failing(_ client: AuthClient, _ simulator: Simulator) async throws {
        try await simulator.control("POST", "revoke", ["all": true])
        try? await client.refresh()
        // README
        do {
            _ = try await client.token()
        } catch AuthError.signInRequired(let reason) {
            show("Please sign in again (\(reason))")
        } catch AuthError.unavailable(let fault, let retryAt) {
            show("\(fault.summary); next attempt \(retryAt.formatted())")
        }
        // END
        let listening = Task { try await events(client) }
        await client.close()
        try await listening.value
    }

    private func events(_ client: AuthClient) async throws {
        // README
        for await event in client.events {
            print(event.name)  // ready, token:refresh, client:logout, ...
        }
        // END
    }

    private func sdk(_ simulator: Simulator) async throws {
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        let fed = Locked([String]())
        let authorizedWith = { @Sendable (accessToken: String, expiryInSeconds: Int?) async in
            fed.withLock { $0.append(accessToken) }
        }
        let feeding = Task { try await feed(client, authorizedWith) }
        try await eventually("fed") { fed.withLock { $0.count } == 1 }
        await client.close()
        try await feeding.value
    }

    private func feed(_ client: AuthClient, _ authorize: @escaping @Sendable (String, Int?) async -> Void) async throws {
        @Sendable func authorizedWith(accessToken: String, expiryInSeconds: Int?) async {
            await authorize(accessToken, expiryInSeconds)
        }
        // README
        let subscription = client.onReLoginRequired { reason in show("Sign in again: \(reason)") }
        try await client.tokenProvider.feed { token in
            await authorizedWith(accessToken: token.accessToken, expiryInSeconds: token.expiryInSeconds)
        }
        // END
        subscription.cancel()
    }

    @Test func aTestOfAnApp() async throws {
        // README
        let simulator = try await WebexOAuthTesting.Simulator()
        let client = try await AuthClient(simulator.config())
        try await client.completeLogin(simulator.authorize(client.beginLogin()))
        // The server is down for a moment: the next renewal fails, and the session goes on.
        try await simulator.fault("status", ["status": 503, "grant_type": "refresh_token"])
        await #expect(throws: AuthError.self) { try await client.refresh() }
        #expect(client.status.canAuthorize)
        // END
        await client.close()
    }

    private func leave(_ simulator: Simulator) async throws {
        let (client, _) = try await simulator.signedIn(livesFor: 3600)
        // README
        try await client.signOut()
        await client.close()
        // END
        #expect(client.tokens == nil)
    }
}
