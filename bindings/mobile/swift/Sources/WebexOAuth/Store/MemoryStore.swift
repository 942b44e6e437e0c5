import Foundation
import WebexOAuthCore

/// A store that ends with its process: for several clients of one process, and for tests.
public final class MemoryStore: TokenStore {
    private struct State {
        var snapshot: Secret?
        var isLocked = false
    }

    private let state = Locked(State())
    public let lockDomain: String? = "memory \(UUID())"

    public init() {}

    public func load() -> Secret? {
        state.withLock { $0.snapshot }
    }

    public func save(_ put: Put) throws -> SaveResult {
        try state.withLock { state in
            let found = state.snapshot
            if try heldRevision(found, "the store in memory") != put.replaces { return .conflict(found: found) }
            state.snapshot = put.snapshot
            return .stored
        }
    }

    public func delete() {
        state.withLock { $0.snapshot = nil }
    }

    public func tryLock() -> StoreLock? {
        let taken = state.withLock { state -> Bool in
            defer { state.isLocked = true }
            return !state.isLocked
        }
        guard taken else { return nil }
        return StoreLock { [state] in state.withLock { $0.isLocked = false } }
    }
}
