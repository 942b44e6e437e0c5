import Foundation
import WebexOAuthCore

/// What an ``AuthClient`` may be told beyond its configuration. Everything has a default.
public struct ClientOptions: Sendable {
    /// How long a call waits for a token, or for the answer that ends a login. The request timeout and half a
    /// minute where `nil`.
    public var patience: Duration?
    /// How long ``AuthClient/call(_:)`` waits in all where an API answers 429 or 423.
    public var maxWait: Duration = .seconds(60)
    /// The longest answer that ``AuthClient/call(_:)`` takes, in bytes.
    public var maxBody = 16 * 1024 * 1024
    /// Brings tokens where the configuration says `Renewal.hostToken`: in any shape that ``AuthClient/adopt(_:)`` takes.
    /// What it throws is not shown, only that it failed.
    public var askForToken: (@Sendable (TokenAsk) async throws -> Secret)?
    /// Brings guest JWTs where the configuration says `Renewal.hostJwt`: the SDKs' `jwtRefreshCallback`.
    public var askForJWT: (@Sendable () async throws -> Secret)?
    /// Keeps a transcript of what happens, without secrets: ``AuthClient/transcript``.
    public var record = false
    /// Another clock than the machine's: for tests.
    public var clock: @Sendable () -> Date = { Date() }

    public init() {}
}
