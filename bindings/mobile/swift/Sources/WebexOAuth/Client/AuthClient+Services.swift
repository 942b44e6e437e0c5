// Service discovery: where each of Webex's services is.

import WebexOAuthCore

/// The catalog that a client knows, and where its calls may carry the token because of it.
final class KnownServices: Sendable {
    private let config: Config
    private let known = Locked<(services: Services, config: Config)?>(nil)

    init(_ config: Config) { self.config = config }

    var services: Services? { known.withLock { $0?.services } }

    /// What judges calls: the configuration that knows the catalog; the client's own where none is known.
    var judge: Config { known.withLock { $0?.config } ?? config }

    func set(_ services: Services) {
        let judge = config.withServices(services: services)
        known.withLock { $0 = (services, judge) }
    }
}

extension AuthClient {
    /// Where each of the server's services is, by name, as its catalog says: `services().url(name: "hydra")`.
    ///
    /// The catalog that is known; where it is older than `maxAge` (left out: a day), what the server says now. From then on
    /// the token may go to the hosts that it names, where the provider says so (`Provider.catalogHostsCarryToken`).
    ///
    /// Throws as ``call(_:method:headers:body:)``; ``ConfigError`` where the answer is no catalog; ``AuthError/misuse(_:)``
    /// where the server has none. What was known before stays known.
    public func services(maxAge: Duration? = nil) async throws -> Services {
        let age = maxAge.map { UInt64(max($0.millis, 0)) }
        if let there = known.services, !there.isOld(now: executor.now, maxAgeMs: age) { return there }
        let url: String
        do {
            url = try config.catalogUrl()
        } catch let error as MisuseError {
            throw AuthError.misuse(error)
        }
        let answer = try await call(url)
        let found = try Services.read(now: executor.now, status: UInt16(clamping: answer.status), body: answer.body)
        known.set(found)
        return found
    }

    /// The catalog that ``services(maxAge:)`` brought or ``use(_:)`` was given, however old it is.
    public var knownServices: Services? { known.services }

    /// Makes a catalog known that was kept (`Services.toJson`, `Services.restore`).
    public func use(_ services: Services) { known.set(services) }
}
