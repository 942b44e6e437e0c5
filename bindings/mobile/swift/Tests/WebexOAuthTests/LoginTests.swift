import Foundation
import Testing
import WebexOAuth

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Whole flows against the simulator.
@Suite(.timeLimit(.minutes(1))) struct LoginTests {
    private func name(_ client: AuthClient, _ simulator: Simulator) async throws -> String? {
        let answer = try await client.call(URLRequest(url: simulator.url("v1/people/me")))
        let person = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
        return person?["displayName"] as? String
    }

    @Test func aCodeLoginEndsWithThePersonsName() async throws {
        let simulator = try await Simulator(["require_pkce": true])
        let client = try await simulator.client()
        var options = LoginOptions(scope: "spark:people_read")
        options.state = .json(object: #"{"room":"7"}"#)
        let url = try await client.beginLogin(options)
        let login = try await client.completeLogin(simulator.visit(url))
        #expect(login.state == #"{"room":"7"}"#)
        #expect(login.cleanedURL?.absoluteString.contains("code=") == false)
        #expect(try await name(client, simulator) == "Ada Lovelace")
        #expect(client.status.scope == "spark:people_read")
        await client.close()
    }

    @Test func anImplicitLoginNeedsNoSecret() async throws {
        let simulator = try await Simulator()
        let client = try await AuthClient(simulator.config("simulated-native-app"))
        let url = try await client.beginLogin(LoginOptions(flow: .implicit, scope: "spark:people_read"))
        try await client.completeLogin(simulator.visit(url))
        #expect(client.status.via == .implicit)
        #expect(try await name(client, simulator) != nil)
        await client.close()
    }

    @Test func aDeviceLoginWaitsForTheUser() async throws {
        let simulator = try await Simulator(["device_interval_ms": 1000])
        let client = try await simulator.client()
        let login = try await client.beginDeviceLogin(scope: "spark:people_read")
        #expect(login.prompt.userCode.expose().count == 6)
        #expect(URL(string: login.prompt.verificationUri) != nil)
        try await simulator.control("POST", "device", ["decision": "accept"])
        try await login.wait()
        #expect(client.status.via == .device)
        await client.close()
    }

    @Test func aDeviceLoginCanBeCancelledAndDeclined() async throws {
        let simulator = try await Simulator(["device_interval_ms": 1000])
        let client = try await simulator.client()
        let given = try await client.beginDeviceLogin()
        try await given.cancel()
        guard case .loginCancelled = try await failure({ try await given.wait() }) else { throw Failed("cancelled") }
        let declined = try await client.beginDeviceLogin()
        try await simulator.control("POST", "device", ["decision": "decline"])
        guard case .loginFailed(let fault) = try await failure({ try await declined.wait() }) else { throw Failed("declined") }
        #expect(fault.code == "access_denied")
        await client.close()
    }

    @Test func aGuestSignsInWithAJWT() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client()
        let jwt = try client.guestJWT(
            subject: "guest-1", displayName: "Guest", issuer: "simulated-guest-issuer",
            secret: "c2ltdWxhdGVkLWd1ZXN0LWlzc3Vlci1zZWNyZXQtMzI=", lifetime: .text(text: "1h"))
        try await client.signIn(jwt: jwt.expose())
        #expect(client.status.via == .jwt)
        #expect(try await name(client, simulator) == "Guest")
        await client.close()
    }

    @Test func theHostsJWTCallbackRenewsAGuest() async throws {
        let simulator = try await Simulator()
        var options = ClientOptions()
        options.askForJWT = {
            let client = try await simulator.client()
            return try client.guestJWT(
                subject: "guest-1", displayName: "Guest", issuer: "simulated-guest-issuer",
                secret: "c2ltdWxhdGVkLWd1ZXN0LWlzc3Vlci1zZWNyZXQtMzI=", lifetime: .seconds(seconds: 3600))
        }
        let client = try await simulator.client(options: options) { $0.renewal = .hostJwt }
        let jwt = try await options.askForJWT?()
        try await client.signIn(jwt: #require(jwt).expose())
        let first = try await client.token()
        try await client.refresh()
        #expect(try await client.token().generation > first.generation)
        await client.close()
    }

    @Test func aServiceAppsGuestSignsIn() async throws {
        let simulator = try await Simulator()
        let app = try await simulator.control(
            "POST", "issue", ["client_id": "simulated-service-app", "scope": "guest-issuer:write"])
        let client = try await simulator.client()
        let token = try #require(app["access_token"] as? String)
        try await client.signInAsGuest(serviceToken: token, subject: "subject", displayName: "Visitor")
        #expect(client.status.via == .guest)
        await client.close()
    }

    @Test func aClientSignsInAsItself() async throws {
        let simulator = try await Simulator()
        let config = try simulator.config("simulated-service-app", secret: "simulated-service-secret", scope: "spark:people_read")
        let client = try await AuthClient(config)
        try await client.signInWithClientCredentials()
        #expect(client.status.via == .clientCredentials)
        #expect(try await !client.authorizationHeader().isEmpty)
        await client.close()
    }

    @Test func aCodeThatTheAppHasCheckedIsRedeemed() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client()
        var authorize = URLComponents(url: simulator.url("v1/authorize"), resolvingAgainstBaseURL: false)
        authorize?.queryItems = [
            URLQueryItem(name: "response_type", value: "code"), URLQueryItem(name: "client_id", value: simulator.clientID),
            URLQueryItem(name: "redirect_uri", value: Simulator.redirect), URLQueryItem(name: "scope", value: "spark:all"),
        ]
        let landed = try await simulator.visit(#require(authorize?.url))
        let items = URLComponents(url: landed, resolvingAgainstBaseURL: false)?.queryItems
        try await client.redeemCode(#require(items?.first { $0.name == "code" }?.value))
        #expect(client.status.via == .code)
        await client.close()
    }

    @Test func aLoginThatTheUserDeclinesIsToldAsSuch() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client()
        let url = try await client.beginLogin()
        let landed = try await simulator.visit(url, decision: "decline")
        guard case .loginFailed(let fault) = try await failure({ try await client.completeLogin(landed) }) else {
            throw Failed("another error")
        }
        #expect(fault.code == "access_denied")
        await client.close()
    }

    @Test func aCallbackFromAnotherAppLeavesTheLoginAlone() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client()
        let url = try await client.beginLogin()
        let foreign = [
            "other-app://callback?code=x&state=y", "\(Simulator.redirect)?code=x&state=forged", "\(Simulator.redirect)#top",
            "", "%", "\u{0}", "not a URL at all", String(repeating: "a", count: 1_000_000),
        ]
        for callback in foreign {
            guard case .callbackIgnored = try await failure({ try await client.completeLogin(callback: callback) }) else {
                throw Failed("not ignored: \(callback.prefix(40))")
            }
        }
        try await client.completeLogin(simulator.visit(url))
        #expect(client.status.via == .code)
        await client.close()
    }

    @Test func aPendingLoginSurvivesTheEndOfTheApp() async throws {
        let simulator = try await Simulator()
        let folder = try Folder()
        let store = FileStore(folder.file("session"))
        let first = try await simulator.client(store: store)
        let landed = try await simulator.visit(first.beginLogin())
        await first.close()
        // The app was ended, and is started by the callback.
        let second = try await simulator.client(store: store)
        try await second.completeLogin(landed)
        #expect(second.status.canRefresh)
        await second.close()
    }

    @Test func loginsSideBySideEndEachByItself() async throws {
        let simulator = try await Simulator()
        let client = try await simulator.client()
        let device = try await client.beginDeviceLogin()
        let (one, two) = (try await client.beginLogin(), try await client.beginLogin())
        try await client.cancelLogin(of: one)
        try await device.cancel()
        guard case .loginCancelled = try await failure({ try await device.wait() }) else { throw Failed("another error") }
        let givenUp = try await simulator.visit(one)
        guard case .callbackIgnored = try await failure({ try await client.completeLogin(givenUp) }) else {
            throw Failed("not ignored")
        }
        let landed = try await simulator.visit(two)
        try await client.completeLogin(landed)
        // A browser sends the address again: that is done already.
        try await client.completeLogin(landed)
        #expect(client.status.via == .code)
        await client.close()
    }

    @Test func aUserTokenHasLessScope() async throws {
        let simulator = try await Simulator()
        let (client, issued) = try await simulator.signedIn(livesFor: 3600)
        let reduced = try await client.userToken(scope: "spark:all")
        #expect(reduced.expose() != issued.access)
        #expect(try await client.userToken(scope: "spark:all").expose() == reduced.expose())
        let error = try await failure { _ = try await client.userToken(scope: "never:granted") }
        guard case .signInRequired(.scopeNotGranted(missing: "never:granted")) = error else { throw Failed("\(error)") }
        await client.close()
    }

    @Test func signingOutRevokesAndForgets() async throws {
        let simulator = try await Simulator()
        let store = MemoryStore()
        let (client, _) = try await simulator.signedIn(livesFor: 3600, store: store)
        let url = try await client.signOut(SignOutOptions(logout: .browser))
        #expect(url?.path.hasSuffix("/logout") == true)
        #expect(try await simulator.counter("live_access_tokens") == 0)
        guard case .signInRequired(.signedOut(.byUser)) = try await failure({ _ = try await client.token() }) else {
            throw Failed("another error")
        }
        await client.close()
        let later = try await simulator.client(store: store)
        #expect(later.tokens == nil)
        await later.close()
    }

    @Test func theExamplePrintsThePersonsName() async throws {
        let simulator = try await Simulator()
        let folder = try Folder()
        let environment = [
            "WEBEX_CLIENT_ID": simulator.clientID, "WEBEX_CLIENT_SECRET": simulator.clientSecret,
            "WEBEX_REDIRECT_URI": Simulator.redirect, "WEBEX_SCOPE": "spark:people_read",
            "WEBEX_SESSION_FILE": folder.file("session").path,
        ]
        let example = try Prepared.path("EXAMPLE")
        let first = try Child([example, simulator.base.absoluteString], environment: environment)
        #expect(try await first.line().contains("Open this page"))
        let url = try #require(URL(string: try await first.line()))
        try first.write(await simulator.visit(url).absoluteString)
        #expect(try await first.line() == "Hello, Ada Lovelace!")
        try await first.end()
        // It stays signed in.
        let second = try Child([example, simulator.base.absoluteString], environment: environment)
        #expect(try await second.line() == "Hello, Ada Lovelace!")
        try await second.end()
    }
}
