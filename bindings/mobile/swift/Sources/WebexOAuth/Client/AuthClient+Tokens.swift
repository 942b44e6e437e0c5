// Tokens for callers.

import Foundation
import WebexOAuthCore

extension AuthClient {
    /// An access token that is good now. Waits for a refresh only where there is none; one refresh serves everybody who
    /// waits. While a token is known to be good, this is a look at a clock, without a call into the library and without
    /// a change of actor.
    ///
    /// Throws ``AuthError/signInRequired(_:)`` where only the user can help, ``AuthError/unavailable(_:retryAt:)`` where
    /// the last attempt failed and the next one is not due, ``AuthError/store(_:)`` where the store could not keep what a
    /// refresh would bring, ``AuthError/timedOut(what:after:)``, ``AuthError/closed``, and `CancellationError`.
    public func token(isolation: isolated (any Actor)? = #isolation) async throws -> AccessToken {
        if let token = executor.published { return token }
        return try await obtain(.session)
    }

    /// The value of an `Authorization` header: `Bearer <token>`. Throws as ``token(isolation:)``.
    public func authorizationHeader(isolation: isolated (any Actor)? = #isolation) async throws -> String {
        try await token().exposeHeader()
    }

    /// Webex: a token with less scope, to hand to somebody who needs no more. Kept, and renewed with the session's own.
    /// `nil` asks for what was granted less what is reserved (`spark:kms`).
    ///
    /// Throws as ``token(isolation:)``, and ``AuthError/misuse(_:)`` where `scope` is not a part of the granted one.
    public func userToken(scope: Scope? = nil) async throws -> AccessToken {
        try await obtain(scope.map { .user(scope: $0) } ?? .userDefault)
    }

    /// Renews the tokens now, whatever the clock says, and waits for it. A server's `Retry-After` is still respected.
    public func refresh() async throws {
        try await executor.call("a refresh", .refresh(withinMs: nil))
    }

    /// An API answered 401 to this token. Waits for what a renewal brings: ask for a token again, and where its generation
    /// is another one, call once more.
    public func rejected(_ token: AccessToken) async throws {
        _ = try await executor.answered(token.generation, 401)
    }

    private func obtain(_ of: TokenOf) async throws -> AccessToken {
        let reply = try await executor.call("a token", .token(of: of, withinMs: nil))
        guard case .token(let token, let generation, let expiresAt) = reply else { throw AuthError.closed }
        return AccessToken(token, generation: generation, expiresAt: expiresAt)
    }
}

extension Executor {
    /// An API answered: what to do with that.
    func answered(
        _ generation: UInt64, _ status: Int, _ retryAfter: String? = nil,
        _ spent: Spent = Spent(replays: 0, waitedMs: 0, limitMs: 0)
    ) async throws -> NextStep {
        let call = CoordinatorCall.answered(
            generation: generation, status: UInt16(clamping: status), retryAfter: retryAfter, spent: spent)
        guard case .api(let next) = try await self.call("a token", call) else { return .return(why: nil) }
        return next
    }
}
