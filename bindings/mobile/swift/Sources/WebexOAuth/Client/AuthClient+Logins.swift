// Ways to sign in.

import Foundation
import WebexOAuthCore

/// A login in the browser that ended well.
public struct SignedIn: Sendable {
    /// The callback URL without code, token and CSRF value, for the browser's history.
    public var cleanedURL: URL?
    /// The JSON object that was given as `state` when the login began.
    public var state: String?
}

/// A device login that waits for the user. It goes on when this object ends.
public struct DeviceLogin: Sendable {
    let client: AuthClient
    let ticket: Logins.Ticket
    /// What to show to the user.
    public let prompt: DevicePrompt

    /// Waits until the user has decided, or the code has ended.
    public func wait() async throws {
        let left = Duration.milliseconds(max(prompt.expiresAt - client.now, 0))
        try await client.outcome(ticket, within: left + client.patience)
    }

    /// Gives up: ``wait()`` ends with ``AuthError/loginCancelled``.
    public func cancel() async throws {
        try await client.cancelLogin(ticket)
    }
}

extension AuthClient {
    /// Begins a login in a browser and returns the URL to open: with `ASWebAuthenticationSession`, see
    /// `WebAuthenticationLogin`, or with any browser. ``completeLogin(_:)`` ends it; with a store also after the app was
    /// ended and started again in between. Several may be pending, eight at most: the oldest goes.
    public func beginLogin(_ options: LoginOptions = LoginOptions()) async throws -> URL {
        let entropy = try freshEntropy()
        let turn = try await drive { .beginLogin(options: options.core, entropy: entropy) }
        guard let url = turn?.url else { throw AuthError.loginSuperseded }
        return url
    }

    /// The browser came back with this URL. Redeems the code and waits for the tokens.
    ///
    /// A callback that is not known here is looked for in the store; that of a login that is done already is no error, as
    /// long as its session is there. Throws ``AuthError/callbackIgnored(_:)`` where it is no pending login's, which still
    /// wait then, and ``AuthError/loginFailed(_:)`` where the user or the server declined.
    @discardableResult
    public func completeLogin(_ callback: URL) async throws -> SignedIn {
        try await completeLogin(callback: callback.absoluteString)
    }

    /// The same with a text: a URL, its query, its fragment, or the body of a form post.
    @discardableResult
    public func completeLogin(callback: String) async throws -> SignedIn {
        let callback = Secret(text: callback)
        let id = loginId(of: callback)
        var looked = store == nil
        while true {
            try await until { desk.isFree ? () : nil }
            var ticket: Logins.Ticket?
            let turn = try give(.completeLogin(callback: callback)) {
                if desk.ignored == nil { ticket = logins.cameBack(id) }
            }
            try await settled(turn)
            if let ticket { return try await outcome(ticket, within: patience) }
            guard let reason = turn.ignored else { throw AuthError.loginCancelled }
            switch reason {
            case .alreadyCompleted:
                guard let ticket = logins.underWay(id) else { return SignedIn() }
                return try await outcome(ticket, within: patience)
            // Another process may have begun the login: the store knows.
            case .noLoginPending, .wrongState, .otherUrl:
                if looked { throw AuthError.callbackIgnored(reason) }
                looked = true
                _ = await lookIntoStore()
            default:
                throw AuthError.callbackIgnored(reason)
            }
        }
    }

    /// Gives up the login in a browser with this URL, or without one all that are pending or under way. A session that was
    /// there before goes on.
    public func cancelLogin(of url: URL? = nil) async throws {
        let url = url.map { Secret(text: $0.absoluteString) }
        _ = try await drive {
            if url == nil || logins.underWay(url.flatMap { loginId(of: $0) }) != nil { logins.cancel() }
            return .cancelLogin(which: url.map { WhichLogin.browser(of: $0) } ?? .all)
        }
    }

    func cancelLogin(_ ticket: Logins.Ticket) async throws {
        _ = try await drive {
            // Another one may have taken its place.
            guard logins.current == ticket else { return nil }
            logins.cancel()
            return .cancelLogin(which: .underWay)
        }
    }

    /// Redeems a code whose state the app has checked itself.
    public func redeemCode(_ code: String, verifier: String? = nil) async throws {
        let code = Secret(text: code)
        try await signIn(.code(code)) {
            .redeemCode(code: code, verifier: verifier.map { Secret(text: $0) })
        }
    }

    /// Begins a login on another device (RFC 8628) and waits for what to show to the user.
    public func beginDeviceLogin(scope: Scope? = nil) async throws -> DeviceLogin {
        let (_, ticket) = try await begin(.device) { .beginDeviceLogin(scope: scope) }
        let shown = try await patiently("a device code", patience) { () -> DevicePrompt? in
            if case .failure(let error)? = logins.result(ticket) { throw error }
            guard let prompt, prompt.ticket == ticket else { return nil }
            return prompt.prompt
        }
        return DeviceLogin(client: self, ticket: ticket, prompt: shown)
    }

    /// The whole device login: `show` tells the user where to enter which code, then it waits for the tokens.
    public func deviceLogin(scope: Scope? = nil, show: @Sendable (DevicePrompt) async -> Void) async throws {
        let login = try await beginDeviceLogin(scope: scope)
        await show(login.prompt)
        try await login.wait()
    }

    /// Webex: signs in as the guest that this JWT names.
    public func signIn(jwt: String) async throws {
        let jwt = Secret(text: jwt)
        try await signIn(.jwt(jwt)) { .signInWithJwt(jwt: jwt) }
    }

    /// Webex: makes a guest's JWT, with the clock and the random generator of this machine. For tests and command lines:
    /// an app that is given to people must not contain the issuer's secret.
    public nonisolated func guestJWT(
        subject: String? = nil, displayName: String? = nil, issuer: String, secret: String, lifetime: Lifetime
    ) throws -> Secret {
        let guest = GuestJwt(
            subject: subject, displayName: displayName, issuer: issuer, secret: Secret(text: secret),
            lifetime: lifetime)
        do {
            return try guestJwt(guest: guest, now: now, entropy: freshEntropy())
        } catch let error as JwtError {
            throw AuthError.jwt(error)
        }
    }

    /// Webex: signs in as a guest through a Service App's token. The same subject is the same guest.
    public func signInAsGuest(serviceToken: String, subject: String, displayName: String) async throws {
        let token = Secret(text: serviceToken)
        try await signIn(.guest(token, subject: subject)) {
            .signInAsGuest(serviceToken: token, subject: subject, displayName: displayName)
        }
    }

    /// Signs in as the client itself (RFC 6749 section 4.4). `nil` asks for the configured scope.
    public func signInWithClientCredentials(scope: Scope? = nil) async throws {
        try await signIn(.clientCredentials(scope)) { .signInWithClientCredentials(scope: scope) }
    }

    /// Takes over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string. A refresh
    /// token alone is used by the next ``token(isolation:)``.
    public func adopt(_ tokens: String) async throws {
        let tokens = Secret(text: tokens)
        let (turn, ticket) = try await begin(.adopt(tokens)) { .adopt(tokens: tokens) }
        try await settled(turn)
        // Without an access token there is no event, and nothing to wait for.
        if logins.current == ticket { logins.cancel() }
    }

    private func signIn(_ by: SignIn, _ input: () -> Input) async throws {
        let (_, ticket) = try await begin(by, input)
        try await outcome(ticket, within: patience)
    }

    private func begin(_ by: SignIn, _ input: () -> Input) async throws -> (Turn, Logins.Ticket) {
        try await until { desk.isFree ? () : nil }
        var ticket: Logins.Ticket = 0
        let turn = try give(input()) {
            prompt = nil
            ticket = logins.begin(by)
        }
        return (turn, ticket)
    }

    /// Waits for the end of a login.
    @discardableResult
    func outcome(_ ticket: Logins.Ticket, within limit: Duration) async throws -> SignedIn {
        try await patiently("the login", limit) {
            guard let result = logins.result(ticket) else { return nil }
            try result.get()
            // Its tokens are on their way to the store: nobody uses them before.
            guard desk.isFree else { return nil }
            guard landed?.ticket == ticket, let login = landed?.login else { return SignedIn() }
            return login
        }
    }
}
