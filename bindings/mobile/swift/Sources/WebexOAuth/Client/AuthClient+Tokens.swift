// Tokens for callers.

import Foundation
import WebexOAuthCore

/// So often a caller asks for a renewal; tokens that are stale on arrival must not be asked for endlessly.
private let mostAsked = 4

extension AuthClient {
    /// An access token that is good now. Waits for a refresh only where there is none; one refresh serves everybody who
    /// waits. While a token is known to be good, this is a look at a clock, without a call into the library and without
    /// a change of actor.
    ///
    /// Throws ``AuthError/signInRequired(_:)`` where only the user can help, ``AuthError/unavailable(_:retryAt:)`` where
    /// the last attempt failed and the next one is not due, ``AuthError/timedOut(what:after:)``, ``AuthError/closed``,
    /// and `CancellationError`.
    public func token(isolation: isolated (any Actor)? = #isolation) async throws -> AccessToken {
        if let token = fresh.token(at: now) { return token }
        return try await obtain(nil)
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
        try await obtain(scope ?? session.userScope() ?? "")
    }

    /// Renews the tokens now, whatever the clock says, and waits for it. A server's `Retry-After` is still respected.
    public func refresh() async throws {
        let before = (renewed, notRenewed.count)
        let turn: Turn
        do {
            try await until { desk.isFree ? () : nil }
            turn = try give(.refresh)
        } catch AuthError.misuse(.NotSignedIn) {
            // With the reason, as for a token.
            _ = try await token()
            return
        }
        try await patiently("a refresh", patience) { () -> Void? in
            guard isDone(turn), desk.isFree else { return nil }
            if renewed > before.0 { return () }
            if notRenewed.count > before.1, let fault = notRenewed.fault {
                throw AuthError.unavailable(fault, retryAt: Date(millis: notRenewed.retryAt))
            }
            let status = session.status(now: now)
            if status.isRefreshing { return nil }
            // Not begun: the server asked for patience. Or ended: only the user can help.
            guard session.tokens() != nil else {
                if case .signInRequired(let reason) = session.access(now: now) {
                    throw AuthError.signInRequired(reason)
                }
                throw AuthError.signInRequired(.expired)
            }
            if let fault = status.lastFault {
                throw AuthError.unavailable(fault, retryAt: Date(millis: session.wakeAt() ?? now))
            }
            return ()
        }
    }

    /// A token as soon as there is one; `scope` for a user token.
    func obtain(_ scope: Scope?) async throws -> AccessToken {
        do {
            return try await obtainHere(scope)
        } catch let error as AuthError {
            switch error {
            // Another process may have signed in, or been luckier.
            case .signInRequired, .unavailable:
                guard store != nil, await lookIntoStore() else { throw error }
                return try await obtainHere(scope)
            default: throw error
            }
        }
    }

    private func obtainHere(_ scope: Scope?) async throws -> AccessToken {
        var asked = 0
        return try await patiently("a token", patience) {
            guard let access = desk.access(now, for: scope) else { return nil }
            switch access {
            case .ready(let token, let generation, let expiresAt, let refreshSoon):
                return ready(scope, token, generation, expiresAt, refreshSoon)
            case .refreshing:
                return nil
            case .stale(_, let expiresAt):
                guard desk.isFree else { return nil }
                guard asked < mostAsked else { throw endlesslyStale(expiresAt) }
                asked += 1
                var usable = false
                if scope != nil, case .ready? = desk.access(now, for: nil) { usable = true }
                if let scope, usable {
                    try give(.downscope(scope: scope))
                } else {
                    try give(.ensureFresh)
                }
                return nil
            case .backingOff(let fault, let retryAt):
                throw AuthError.unavailable(fault, retryAt: Date(millis: retryAt))
            case .signInRequired(let reason):
                throw AuthError.signInRequired(reason)
            }
        }
    }

    private func ready(
        _ scope: Scope?, _ token: WebexOAuthCore.AccessToken, _ generation: UInt64, _ expiresAt: Timestamp?,
        _ refreshSoon: Bool
    ) -> AccessToken {
        let answer = AccessToken(token, generation: generation, expiresAt: expiresAt)
        if refreshSoon {
            // Behind the scenes: the caller has nothing to do with it.
            post(.ensureFresh)
        } else if scope == nil, desk.isSettled {
            let now = now
            if let known = session.fresh(now: now) { fresh.keep(answer, from: now, until: known.until) }
        }
        return answer
    }

    /// What arrives is stale again and again: there is no token to be had from this server.
    private func endlesslyStale(_ expiresAt: Timestamp?) -> AuthError {
        if let fault = session.status(now: now).lastFault {
            return .unavailable(fault, retryAt: Date(millis: expiresAt ?? now))
        }
        return .signInRequired(.expired)
    }
}
