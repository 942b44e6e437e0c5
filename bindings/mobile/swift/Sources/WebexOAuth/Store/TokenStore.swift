import WebexOAuthCore

/// Where a session survives a restart, and where several processes meet. Keeps one snapshot.
///
/// An implementation may throw whatever it likes: the session goes on in memory and tries again. Only a ``StoreError``
/// is shown as it is; of any other error only the type.
public protocol TokenStore: Sendable {
    /// What is stored, or `nil` where there is nothing yet. The bytes are not looked into.
    func load() async throws -> Secret?

    /// Stores `snapshot` durably, if the store holds revision `replaces`, or, where that is 0, nothing; otherwise changes
    /// nothing and says what it holds. What was deleted is not brought back by who has not noticed. Comparing and storing is
    /// one step. ``revision(of:)`` reads the revision of stored bytes.
    func save(_ snapshot: Secret, replaces: UInt64) async throws -> SaveResult

    /// Forgets what is stored. Nothing there is a success.
    func delete() async throws

    /// Takes the lock that is held around grant requests, or answers `nil` where another holds it. A store that nobody
    /// shares leaves this out.
    func tryLock() async throws -> StoreLock?
}

extension TokenStore {
    public func tryLock() async throws -> StoreLock? { StoreLock {} }
}

/// What became of a save.
public enum SaveResult: Sendable {
    /// It is stored.
    case stored
    /// The store holds something else than was to be replaced: nothing was changed. This is what it holds; `nil`: nothing
    /// any longer.
    case conflict(found: Secret?)
}

/// The lock of a store. It is let go once, by ``release()`` or when this object ends.
public final class StoreLock: Sendable {
    private let letGo: Locked<(@Sendable () -> Void)?>

    /// A lock that `letGo` lets go of.
    public init(_ letGo: @escaping @Sendable () -> Void) {
        self.letGo = Locked(letGo)
    }

    public func release() {
        let letGo = letGo.withLock { letGo in
            defer { letGo = nil }
            return letGo
        }
        letGo?()
    }

    deinit {
        release()
    }
}

/// The revision of stored bytes: the key by which a store compares before it swaps.
public func revision(of snapshot: Secret) throws -> UInt64 {
    try snapshotRevision(snapshot: snapshot)
}

/// The revision that a save has to replace where `found` is stored.
func heldRevision(_ found: Secret?, _ store: String) throws -> UInt64 {
    guard let found else { return 0 }
    guard let held = try? revision(of: found) else { throw StoreError.damaged(what: store) }
    return held
}
