import Foundation
import WebexOAuthCore

/// Where a session survives a restart, and where several processes meet. Keeps one snapshot.
///
/// An implementation may throw whatever it likes: the session goes on in memory and tries again. Only a ``StoreError``
/// is shown as it is; of any other error only the type.
public protocol TokenStore: Sendable {
    /// What is stored, or `nil` where there is nothing yet. The bytes are not looked into.
    func load() async throws -> Secret?

    /// Stores durably, if the store holds what is to be replaced; otherwise changes nothing and says what it holds. Comparing
    /// and storing is one step. ``revision(of:)`` reads the revision of stored bytes.
    func save(_ put: Put) async throws -> SaveResult

    /// Forgets what is stored. Nothing there is a success.
    func delete() async throws

    /// Names the store's lock: whoever sees the same name waits for the same lock, and when its holder's process ends, it is
    /// free. `nil` where no such promise can be given: then no lock is used. It makes waiting shorter, and nothing safer.
    var lockDomain: String? { get }

    /// Takes the lock that is held around grant requests, or answers `nil` where another holds it. A store without one
    /// leaves this out.
    func tryLock() async throws -> StoreLock?
}

extension TokenStore {
    public var lockDomain: String? { nil }
    public func tryLock() async throws -> StoreLock? { StoreLock {} }
}

/// A snapshot to be stored, with what a store may want to know of it: it does not look into the bytes.
public struct Put: Sendable {
    public let snapshot: Secret
    /// Its revision, of up to 48 bits.
    public let revision: UInt64
    /// Only if the store holds this revision; 0: only if it holds nothing. What was deleted is not brought back by who has
    /// not noticed: another number than 0 never inserts.
    public let replaces: UInt64
    /// When somebody should open this session next, for a store that is searched for what is due.
    public let dueAt: Date?

    public init(snapshot: Secret, revision: UInt64, replaces: UInt64, dueAt: Date? = nil) {
        self.snapshot = snapshot
        self.revision = revision
        self.replaces = replaces
        self.dueAt = dueAt
    }
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
