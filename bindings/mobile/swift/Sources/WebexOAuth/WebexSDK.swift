// For apps that also use the Webex mobile SDK: its two signals, and a feed for its TokenAuthenticator.

import Foundation
import WebexOAuthCore

/// What an app with the Webex SDK has to know of its sign-in.
public enum AuthSignal: Sendable {
    /// Only the user can help: sign in again. `WebexAuthDelegate.onReLoginRequired`.
    case reLoginRequired(SignInReason)
    /// The token has ended and could not be renewed yet; the client goes on trying. `TokenAuthenticator.onTokenExpired`.
    case tokenExpired
}

/// Ends what it stands for when it is cancelled or ends itself.
public final class Subscription: Sendable {
    private let task: Task<Void, Never>

    init(_ task: Task<Void, Never>) {
        self.task = task
    }

    public func cancel() {
        task.cancel()
    }

    deinit {
        task.cancel()
    }
}

extension AuthClient {
    /// Signals from now on, until the client is closed.
    public var authSignals: AsyncStream<AuthSignal> {
        let executor = executor
        return executor.events.stream { [weak executor] event in executor.flatMap { signal(of: event, $0) } }
    }

    /// Calls `handler` whenever only the user can help, as long as the subscription is held.
    public func onReLoginRequired(_ handler: @escaping @Sendable (SignInReason) -> Void) -> Subscription {
        let signals = authSignals
        return Subscription(
            Task {
                for await case .reLoginRequired(let reason) in signals { handler(reason) }
            })
    }

    /// Calls `handler` whenever the token has ended and could not be renewed, as long as the subscription is held.
    public func onTokenExpired(_ handler: @escaping @Sendable () -> Void) -> Subscription {
        let signals = authSignals
        return Subscription(
            Task {
                for await case .tokenExpired in signals { handler() }
            })
    }

    /// Feeds the SDK's `TokenAuthenticator`.
    public var tokenProvider: TokenProvider { TokenProvider(client: self) }
}

private func signal(of event: AuthEvent, _ executor: Executor) -> AuthSignal? {
    switch event {
    case .session(_, .signInNeeded(let reason)): return .reLoginRequired(reason)
    case .session(_, .signedOut(let reason, _)) where reason != .byUser:
        return .reLoginRequired(.signedOut(reason: reason))
    case .session(_, .refreshFailed):
        if case .ready = executor.coordinator.access(now: executor.now) { return nil }
        return .tokenExpired
    default: return nil
    }
}

/// Brings tokens to the SDK's `TokenAuthenticator`, which does not renew them itself.
public struct TokenProvider: Sendable {
    let client: AuthClient

    /// A token and how long it lives, as `authorizedWith(accessToken:expiryInSeconds:)` wants them. Printing it shows
    /// nothing of the token.
    public struct ProvidedToken: Sendable, CustomStringConvertible, CustomReflectable {
        let token: AccessToken
        /// Whole seconds from now, if known.
        public let expiryInSeconds: Int?
        /// The bare token.
        public var accessToken: String { token.expose() }
        public var description: String { "ProvidedToken(redacted)" }
        public var customMirror: Mirror { Mirror(self, children: [:], displayStyle: .struct) }
    }

    /// A good token. Throws as ``AuthClient/token(isolation:)``.
    public func token() async throws -> ProvidedToken {
        let token = try await client.token()
        let left = token.expiresAt.map { Int(clamping: ($0.millis - client.executor.now) / 1000) }
        return ProvidedToken(token: token, expiryInSeconds: left)
    }

    /// The same in the manner of the SDK.
    public func accessToken(completionHandler: @escaping @Sendable (Result<ProvidedToken, any Error>) -> Void) {
        Task {
            do {
                completionHandler(.success(try await token()))
            } catch {
                completionHandler(.failure(error))
            }
        }
    }

    /// Calls `authorize` with a token now and after each renewal, until the task is cancelled or the client is closed:
    ///
    ///     try await client.tokenProvider.feed { token in
    ///         authenticator.authorizedWith(accessToken: token.accessToken, expiryInSeconds: token.expiryInSeconds) { _ in }
    ///     }
    ///
    /// Throws as ``AuthClient/token(isolation:)`` where there is no token to begin with.
    public func feed(_ authorize: @Sendable (ProvidedToken) async -> Void) async throws {
        let events = client.events
        let first = try await token()
        var generation = first.token.generation
        await authorize(first)
        for await event in events {
            switch event {
            case .session(_, .tokensRefreshed), .session(_, .signedIn):
                guard let next = try? await token(), next.token.generation != generation else { continue }
                generation = next.token.generation
                await authorize(next)
            default: continue
            }
        }
        try Task.checkCancellation()
    }
}
