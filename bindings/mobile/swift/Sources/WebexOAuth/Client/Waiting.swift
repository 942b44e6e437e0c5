import WebexOAuthCore

/// A call that was made.
final class Waiting: Sendable {
    let ticket: UInt64
    let answer = Promise<CoordinatorReply>()
    /// What is for the user to see; `nil` where the end came first.
    let shown = Promise<DevicePrompt?>()
    private let what: String
    private let stores: StoreJobs?

    init(_ ticket: UInt64, _ what: String, _ stores: StoreJobs?) {
        self.ticket = ticket
        self.what = what
        self.stores = stores
    }

    func end(_ reply: CoordinatorReply) {
        answer.keep(reply)
        shown.keep(nil)
    }

    func reply() async throws -> CoordinatorReply {
        let reply = try await answer.value()
        if case .failed(let failure) = reply { throw AuthError(failure, what, stores) }
        return reply
    }
}

/// A value that comes once, and those who wait for it.
final class Promise<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var last = 0
        var waiting: [Int: CheckedContinuation<Value, any Error>] = [:]
        var then: [@Sendable (Value) -> Void] = []
    }

    private let state = Locked(State())

    /// The first one counts.
    func keep(_ value: Value) {
        let before = state.withLock { state -> State in
            defer {
                if state.value == nil { state.value = value }
                (state.waiting, state.then) = ([:], [])
            }
            return state
        }
        guard before.value == nil else { return }
        for waiting in before.waiting.values { waiting.resume(returning: value) }
        for then in before.then { then(value) }
    }

    /// Calls `then` with the value, now or when it comes.
    func onValue(_ then: @escaping @Sendable (Value) -> Void) {
        let value = state.withLock { state -> Value? in
            if state.value == nil { state.then.append(then) }
            return state.value
        }
        if let value { then(value) }
    }

    /// Waits. Who is cancelled leaves without a trace.
    func value() async throws -> Value {
        let number = state.withLock { state -> Int in
            state.last += 1
            return state.last
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<Value, any Error>? in
                    if let value = state.value { return .success(value) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiting[number] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let gone = state.withLock { $0.waiting.removeValue(forKey: number) }
            gone?.resume(throwing: CancellationError())
        }
    }
}
