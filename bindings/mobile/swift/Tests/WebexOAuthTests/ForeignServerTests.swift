import Foundation
import Testing
import WebexOAuth

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

private let server = ProcessInfo.processInfo.environment["WEBEX_OAUTH_OIDC_PROVIDER"] ?? ""

/// A server that nobody here wrote: oidc-provider, the strict one.
@Suite(.enabled(if: !server.isEmpty, "there is no node"), .timeLimit(.minutes(1))) struct ForeignServerTests {
    private let issuer: URL
    private let provider: Provider

    init() async throws {
        let line = try #require(JSONSerialization.jsonObject(with: Data(server.utf8)) as? [String: Any])
        issuer = try #require((line["issuer"] as? String).flatMap(URL.init(string:)))
        let metadata = try #require((line["metadata"] as? String).flatMap(URL.init(string:)))
        let limits = TransportLimits(timeout: .seconds(10), maxBody: 1_000_000, freshConnection: false)
        let document = try await URLSessionTransport.shared.send(URLRequest(url: metadata), limits: limits).body
        provider = try .metadata(document, issuer: issuer)
    }

    private func config(_ id: String, secret: String? = nil, auth: ClientAuth) throws -> Config {
        try Config.make(
            provider: provider, clientID: id, clientSecret: secret, redirectURI: "http://127.0.0.1:9/callback",
            scope: "read"
        ) {
            $0.clientAuth = auth
            $0.tokenHosts = ["\(issuer.host ?? ""):\(issuer.port ?? 0)"]
        }
    }

    /// The person at the browser.
    private func approve(_ url: String) async throws -> String {
        let script = try Prepared.path("ROOT") + "/conformance/servers/approve"
        return try await Child(["python3", script, url], outside: true).line()
    }

    private func me(_ client: AuthClient) async throws -> Int {
        try await client.call(URLRequest(url: issuer.appendingPathComponent("api/me"))).status
    }

    @Test(arguments: [
        ("public", nil, ClientAuth.none), ("basic", "test only: 100%/+&=", .basicFormEncoded),
        ("post", "test-only-post", .body),
    ])
    func aCodeLoginRotatesAndRevokes(id: String, secret: String?, auth: ClientAuth) async throws {
        let client = try await AuthClient(config(id, secret: secret, auth: auth))
        let url = try await client.beginLogin()
        try await client.completeLogin(callback: approve(url.absoluteString))
        #expect(try await me(client) == 200)
        let first = try #require(client.tokens?.refreshToken()).expose()
        try await client.refresh()
        #expect(try #require(client.tokens?.refreshToken()).expose() != first)
        #expect(try await me(client) == 200)
        let token = try await client.token()
        try await client.signOut()
        await client.close()
        let other = try await AuthClient(config(id, secret: secret, auth: auth))
        try await other.adopt(token.expose())
        #expect(try await me(other) == 401)
        await other.close()
    }

    @Test func aDeviceLoginEnds() async throws {
        let client = try await AuthClient(config("device", auth: .none))
        try await client.deviceLogin { prompt in
            _ = try? await approve(prompt.verificationUriComplete?.expose() ?? "")
        }
        #expect(try await me(client) == 200)
        await client.close()
    }

    @Test func aClientSignsInAsItself() async throws {
        let client = try await AuthClient(config("machine", secret: "test-only-machine", auth: .basicFormEncoded))
        try await client.signInWithClientCredentials(scope: "read")
        #expect(try await !client.token().expose().isEmpty)
        await client.close()
    }
}
