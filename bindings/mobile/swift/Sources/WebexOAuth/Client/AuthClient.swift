import Foundation
import WebexOAuthCore

/// One user's sign-in: tokens when they are needed, and what goes with them. Use it from any task.
///
/// What was begun belongs to the client and not to the task that asked for it: a caller that is cancelled changes nothing
/// for the others, and a request that is under way is carried to its end, also when the last reference to the client
/// goes, because its answer may carry the only refresh token that still counts.
public actor AuthClient {
    /// The configuration in force.
    public nonisolated let config: Config

    nonisolated let session: Session
    nonisolated let options: ClientOptions
    nonisolated let patience: Duration
    nonisolated let store: (any TokenStore)?
    nonisolated let transport: any HTTPTransport
    nonisolated let fresh = FreshCache()
    nonisolated let hub = Hub<AuthEvent>()
    nonisolated let signals = Hub<AuthSignal>()

    var desk: Desk
    var logins = Logins()
    /// What the last input brought for the one who gave it.
    var turn = Turn()
    /// Inputs of errands, given as soon as the desk is free.
    var inbox: [(turn: Turn, input: Input)] = []
    var prompt: (ticket: Logins.Ticket, prompt: DevicePrompt)?
    var landed: (ticket: Logins.Ticket, login: SignedIn)?
    /// How often tokens came by a refresh, and how often and how last that failed.
    var renewed: UInt64 = 0
    var notRenewed: (count: UInt64, fault: Fault?, retryAt: Timestamp) = (0, nil, 0)
    /// Why the last save failed, until one succeeds.
    var storeError: StoreError?

    /// Requests and saves under way: those that may change the grant, and others.
    var grants = 0
    var others = 0
    var errands: [UInt64: Task<Void, Never>] = [:]
    var waiters: [UInt64: Waiter] = [:]
    /// Counts changes.
    var version: UInt64 = 0
    var lastNumber: UInt64 = 0
    var alarm: Alarm?
    /// An instant that stays past although it was told is not told again at once.
    var notBefore = ContinuousClock.now
    /// Nothing new is begun.
    var closing: Task<Void, Never>?
    var isClosed = false

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
        self.store = store
        self.transport = transport
        self.options = options
        patience = options.patience ?? .millis(parts.requestTimeoutMs) + .seconds(20)
        session = try await Self.open(config, store)
        if options.record { session.startRecording() }
        desk = Desk(config, session)
        if let token = parts.accessToken, session.tokens() == nil {
            try await adopt(token.expose())
        }
        setAlarm()
    }

    private static func open(_ config: Config, _ store: (any TokenStore)?) async throws -> Session {
        do {
            if let found = try await store?.load() {
                return try Session.restore(config: config, snapshot: found)
            }
        } catch let error as RestoreError {
            throw AuthError.restore(error)
        } catch {
            throw AuthError.store(StoreError(of: error))
        }
        return try Session(config: config, seed: freshEntropy())
    }

    /// Events from now on. Any number of listeners may be there; each gets all of them, in order, and the end when the
    /// client is closed.
    public nonisolated var events: AsyncStream<AuthEvent> { hub.stream() }

    /// How the session stands, for people and user interfaces.
    public nonisolated var status: Status { session.status(now: now) }

    /// The tokens themselves, for a hand-off. To call an API, use ``token(isolation:)``.
    public nonisolated var tokens: TokenSet? { session.tokens() }

    /// Where a browser goes to sign out at the identity provider, without signing out here.
    public nonisolated func logoutURL(goto: String? = nil) -> URL? {
        session.logoutUrl(returnTo: goto).flatMap { URL(string: $0.expose()) }
    }

    /// What has happened so far, without secrets, where ``ClientOptions/record`` asked for it: for a bug report.
    public nonisolated var transcript: String? { session.transcript() }

    nonisolated var now: Timestamp { options.clock().millis }

    /// Signs out: forgets the tokens at once, whatever the network says, then revokes them and waits a few seconds for
    /// that. Returns the URL to bring the browser to, where `options` ask for one.
    ///
    /// Throws ``AuthError/store(_:)`` where the session is signed out here and the store could not be told.
    @discardableResult
    public func signOut(_ options: SignOutOptions = SignOutOptions()) async throws -> URL? {
        let turn = try await drive { .signOut(options: options.core) }
        // It is over here in any case.
        let end = ContinuousClock.now + farewell
        try await until(end) { others == 0 || ContinuousClock.now >= end ? () : nil }
        if let storeError { throw AuthError.store(storeError) }
        return turn?.url
    }

    /// Ends the client; the session stays in its store. Who waits gets ``AuthError/closed``. Waits for a refresh that is
    /// under way, because its answer may carry the only refresh token that still counts.
    public func close() async {
        let work: Task<Void, Never>
        if let closing {
            work = closing
        } else {
            work = Task { await self.end() }
            closing = work
            fresh.clear()
            changed()
        }
        await work.value
    }

    private func end() async {
        let begun = ContinuousClock.now
        let limit = begun + .millis(config.parts().requestTimeoutMs) + farewell
        _ = try? await until(limit, evenClosing: true) { () -> Void? in
            let gone = ContinuousClock.now
            let busy = grants > 0 || !desk.isFree || (others > 0 && gone < begun + farewell)
            if !busy || gone >= limit { return () }
            setAlarm(at: begun + farewell)
            return nil
        }
        if desk.isUnsaved {
            // The last chance of a store that failed.
            _ = try? await settled(post(.tick))
        }
        isClosed = true
        alarm?.cancel()
        for errand in errands.values { errand.cancel() }
        hub.finish()
        signals.finish()
        changed()
    }

    deinit {
        alarm?.cancel()
        hub.finish()
        signals.finish()
    }
}

/// So long a sign-out, or the end of a client, waits for revocations that are under way.
let farewell: Duration = .seconds(5)

/// Nothing of the tokens, nothing of the configuration's secret.
extension AuthClient: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public nonisolated var description: String { "AuthClient(\(session))" }
    public nonisolated var debugDescription: String { description }
    public nonisolated var customMirror: Mirror { Mirror(self, children: [:], displayStyle: .class) }
}
