import Foundation
import WebexOAuthCore

/// One user's sign-in: tokens when they are needed, and what goes with them. Use it from any task.
///
/// What was begun belongs to the client and not to the task that asked for it: a caller that is cancelled changes nothing
/// for the others, and a request that is under way is carried to its end, also when the last reference to the client
/// goes, because its answer may carry the only refresh token that still counts.
public final class AuthClient: Sendable {
    /// The configuration in force.
    public let config: Config

    let options: ClientOptions
    let transport: any HTTPTransport
    let executor: Executor
    let known: KnownServices

    /// Loads what the store holds and starts the client. A login that was pending there still is.
    ///
    /// A token from the configuration is adopted where the store has none. Throws where the store cannot be read, or
    /// holds the session of another client; what is there is left alone.
    public init(
        _ config: Config,
        store: (any TokenStore)? = nil,
        transport: any HTTPTransport = URLSessionTransport.shared,
        options: ClientOptions = ClientOptions()
    ) async throws {
        let parts = config.parts()
        self.config = config
        known = KnownServices(config)
        self.transport = transport
        self.options = options
        let coordinator = try await Self.open(config, store, options)
        if options.record { coordinator.startRecording() }
        let jobs = Jobs(
            store.map(StoreJobs.init), transport, options, requestTimeout: .millis(parts.requestTimeoutMs))
        executor = Executor(coordinator, jobs, clock: options.clock)
        if let token = parts.accessToken, coordinator.tokens() == nil {
            try await adopt(token.expose())
        }
    }

    private static func open(
        _ config: Config, _ store: (any TokenStore)?, _ options: ClientOptions
    ) async throws -> Coordinator {
        do {
            let stored = try await store?.load()
            let patience = options.patience.map { UInt64(max($0.millis, 0)) }
            let told = CoordinatorOptions(
                hasStore: store != nil, lockDomain: store?.lockDomain, patienceMs: patience)
            return try Coordinator.open(config: config, stored: stored, seed: freshEntropy(), options: told)
        } catch OpenError.Stored(let why) {
            throw AuthError.restore(why)
        } catch {
            throw AuthError.store(StoreError(of: error))
        }
    }

    /// Events from now on. Any number of listeners may be there; each gets all of them, in order, and the end when the
    /// client is closed.
    public var events: AsyncStream<AuthEvent> { executor.events.stream() }

    /// How the session stands, for people and user interfaces.
    public var status: Status { executor.coordinator.status(now: executor.now) }

    /// The tokens themselves, for a hand-off. To call an API, use ``token(isolation:)``.
    public var tokens: TokenSet? { executor.coordinator.tokens() }

    /// Where a browser goes to sign out at the identity provider, without signing out here.
    public func logoutURL(goto: String? = nil) -> URL? {
        executor.coordinator.logoutUrl(returnTo: goto).flatMap { URL(string: $0.expose()) }
    }

    /// What has happened so far, without secrets, where ``ClientOptions/record`` asked for it: for a bug report.
    public var transcript: String? { executor.coordinator.transcript() }

    /// Signs out: forgets the tokens at once, whatever the network says, then revokes them and waits a few seconds for
    /// that. Returns the URL to bring the browser to, where `options` ask for one.
    ///
    /// Throws ``AuthError/store(_:)`` where the session is signed out here and the store could not be told.
    @discardableResult
    public func signOut(_ options: SignOutOptions = SignOutOptions()) async throws -> URL? {
        let reply = try await executor.call("a sign-out", .signOut(options: options.core))
        guard case .url(let url) = reply else { return nil }
        return URL(string: url.expose())
    }

    /// Ends the client; the session stays in its store. Who waits gets ``AuthError/closed``. Waits for a refresh that is
    /// under way, because its answer may carry the only refresh token that still counts.
    public func close() async {
        // In a task of its own: whoever is cancelled meanwhile still waits for it.
        guard let closed = executor.close() else { return }
        await Task { _ = try? await closed.answer.value() }.value
    }

    deinit {
        executor.close()
    }
}

/// Nothing of the tokens, nothing of the configuration's secret.
extension AuthClient: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "AuthClient(\(status.phase))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:], displayStyle: .class) }
}
