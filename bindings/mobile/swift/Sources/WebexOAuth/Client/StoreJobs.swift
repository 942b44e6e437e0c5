import Foundation
import WebexOAuthCore

/// Does a coordinator's jobs at a store, and remembers how that puts it when it fails.
final class StoreJobs: Sendable {
    private let store: any TokenStore
    private let lock = Locked<StoreLock?>(nil)
    private let last = Locked<StoreError?>(nil)

    init(_ store: any TokenStore) {
        self.store = store
    }

    func run(_ op: JobOp) async -> JobResult {
        do {
            return try await attempt(op)
        } catch {
            let told = StoreError(of: error)
            last.withLock { $0 = told }
            return .storeFailed(fault: told.asFault)
        }
    }

    private func attempt(_ op: JobOp) async throws -> JobResult {
        switch op {
        case .load:
            return .loaded(snapshot: try await store.load())
        case .save(let snapshot, let revision, let replaces, let dueAt):
            let put = Put(
                snapshot: snapshot, revision: revision, replaces: replaces, dueAt: dueAt.map(Date.init(millis:)))
            switch try await store.save(put) {
            case .stored: return .saved
            case .conflict(let found): return .conflict(snapshot: found)
            }
        case .tryLock:
            // One that came too late to be told of.
            keep(nil)
            let taken = try await store.tryLock()
            keep(taken)
            return taken == nil ? .lockBusy : .locked
        case .unlock:
            keep(nil)
            return .unlocked
        case .send, .askForToken, .askForJwt:
            return .sendFailed(fault: .notSent)
        }
    }

    /// The lock that was held until now goes.
    private func keep(_ taken: StoreLock?) {
        let before = lock.withLock { lock -> StoreLock? in
            defer { lock = taken }
            return lock
        }
        before?.release()
    }

    /// In the store's own words, where they are known.
    func words(of fault: StoreFault) -> StoreError? {
        last.withLock { $0 }.flatMap { $0.asFault == fault ? $0 : nil }
    }
}

extension StoreError {
    fileprivate var asFault: StoreFault {
        let kind: StoreFaultKind =
            switch self {
            case .denied: .denied
            case .full: .full
            case .damaged: .damaged
            case .busy: .unavailable
            case .lock, .io, .other: .other
            }
        return StoreFault(kind: kind, problem: description)
    }

    /// What a coordinator says of a store.
    init(_ fault: StoreFault, _ stores: StoreJobs?) {
        self = stores?.words(of: fault) ?? .other(problem: fault.problem)
    }
}
