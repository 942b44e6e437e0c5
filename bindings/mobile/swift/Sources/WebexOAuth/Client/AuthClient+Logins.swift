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
    let waiting: Waiting
    /// What to show to the user.
    public let prompt: DevicePrompt

    /// Waits until the user has decided, or the code has ended.
    public func wait() async throws {
        _ = try await waiting.reply()
    }

    /// Gives up: ``wait()`` ends with ``AuthError/loginCancelled``.
    public func cancel() async throws {
        try await client.executor.call("the end of the login", .cancelLogin(of: waiting.ticket, login: nil))
    }
}

extension AuthClient {
    /// Begins a login in a browser and returns the URL to open: with `ASWebAuthenticationSession`, see
    /// `WebAuthenticationLogin`, or with any browser. ``completeLogin(_:)`` ends it; with a store also after the app was
    /// ended and started again in between. Several may be pending, eight at most: the oldest goes.
    public func beginLogin(_ options: LoginOptions = LoginOptions()) async throws -> URL {
        let reply = try await signIn(.browser(options: options.core, entropy: freshEntropy()))
        guard case .url(let url) = reply, let url = URL(string: url.expose()) else {
            throw AuthError.misuse(.NotConfigured(what: "authorization_endpoint", neededBy: "beginLogin"))
        }
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
        let call = CoordinatorCall.completeLogin(callback: Secret(text: callback), withinMs: nil)
        guard case .signedIn(let cleanedUrl, let state) = try await executor.call("the login", call) else {
            return SignedIn()
        }
        return SignedIn(cleanedURL: cleanedUrl.flatMap(URL.init(string:)), state: state)
    }

    /// Gives up the login in a browser with this URL, or without one all that are pending or under way. A session that was
    /// there before goes on.
    public func cancelLogin(of url: URL? = nil) async throws {
        let login = url.map { Secret(text: $0.absoluteString) }
        try await executor.call("the end of the login", .cancelLogin(of: nil, login: login))
    }

    /// Redeems a code whose state the app has checked itself.
    public func redeemCode(_ code: String, verifier: String? = nil) async throws {
        try await signIn(.code(code: Secret(text: code), verifier: verifier.map { Secret(text: $0) }))
    }

    /// Begins a login on another device (RFC 8628) and waits for what to show to the user.
    public func beginDeviceLogin(scope: Scope? = nil) async throws -> DeviceLogin {
        let call = CoordinatorCall.signIn(credential: .device(scope: scope), withinMs: nil)
        let waiting = try executor.begin("the login", call)
        do {
            if let prompt = try await waiting.shown.value() {
                return DeviceLogin(client: self, waiting: waiting, prompt: prompt)
            }
            _ = try await waiting.reply()
            throw AuthError.loginSuperseded
        } catch {
            executor.giveUp(waiting)
            throw error
        }
    }

    /// The whole device login: `show` tells the user where to enter which code, then it waits for the tokens.
    ///
    /// A task that is cancelled stops waiting; the client goes on asking the server until the code ends, and who confirms it
    /// meanwhile is signed in. ``beginDeviceLogin(scope:)`` has a login that can be cancelled.
    public func deviceLogin(scope: Scope? = nil, show: @Sendable (DevicePrompt) async -> Void) async throws {
        let login = try await beginDeviceLogin(scope: scope)
        await show(login.prompt)
        try await login.wait()
    }

    /// Webex: signs in as the guest that this JWT names.
    public func signIn(jwt: String) async throws {
        try await signIn(.jwt(jwt: Secret(text: jwt)))
    }

    /// Webex: makes a guest's JWT, with the clock and the random generator of this machine. For tests and command lines:
    /// an app that is given to people must not contain the issuer's secret.
    public func guestJWT(
        subject: String? = nil, displayName: String? = nil, issuer: String, secret: String, lifetime: Lifetime
    ) throws -> Secret {
        let guest = GuestJwt(
            subject: subject, displayName: displayName, issuer: issuer, secret: Secret(text: secret),
            lifetime: lifetime)
        do {
            return try guestJwt(guest: guest, now: executor.now, entropy: freshEntropy())
        } catch let error as JwtError {
            throw AuthError.jwt(error)
        }
    }

    /// Webex: signs in as a guest through a Service App's token. The same subject is the same guest.
    public func signInAsGuest(serviceToken: String, subject: String, displayName: String) async throws {
        let token = Secret(text: serviceToken)
        try await signIn(.guest(serviceToken: token, subject: subject, displayName: displayName))
    }

    /// Signs in as the client itself (RFC 6749 section 4.4). `nil` asks for the configured scope.
    public func signInWithClientCredentials(scope: Scope? = nil) async throws {
        try await signIn(.client(scope: scope))
    }

    /// Takes over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string. A refresh
    /// token alone is used by the next ``token(isolation:)``.
    public func adopt(_ tokens: String) async throws {
        try await signIn(.tokens(tokens: Secret(text: tokens)))
    }

    @discardableResult
    private func signIn(_ credential: Credential) async throws -> CoordinatorReply {
        try await executor.call("the login", .signIn(credential: credential, withinMs: nil))
    }
}
