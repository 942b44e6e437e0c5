import Foundation
import WebexOAuthCore

/// Runs a coordinator: begins its jobs, wakes who waits, reads the clocks. Nothing is decided here.
///
/// The lock is held for moments, by whoever changes something: never while a job runs, nor while listeners are told or
/// callers go on. A token that was published is read without it. A job that runs holds the executor, a timer does not.
final class Executor: Sendable {
    let coordinator: Coordinator
    let events = Events()
    /// What may be handed out without asking.
    let fresh = FreshCell()
    private let jobs: Jobs
    private let clock: @Sendable () -> Date
    private let state = Locked(State())

    private struct State {
        var lastTicket: UInt64 = 0
        var waiting: [UInt64: Waiting] = [:]
        var running: [UInt64: Jobs.Running] = [:]
        /// What wakes the coordinator, and when it wants to be woken.
        var alarm: Alarm?
        var wakeAt: WakeAt?
        var isOver = false
    }

    init(_ coordinator: Coordinator, _ jobs: Jobs, clock: @escaping @Sendable () -> Date) {
        self.coordinator = coordinator
        self.jobs = jobs
        self.clock = clock
        turn { _, _ in [] }
    }

    var now: Timestamp { clock().millis }

    private var clocks: Clocks { Clocks(wall: now, mono: monotonicMs()) }

    /// The token that was published, while it may be handed out.
    var published: AccessToken? { fresh.token(at: now) }

    // ---------------------------------------------------------------- calls

    /// Makes a call and waits for its reply; `what` it is for. It is given up where nobody waits for it any longer.
    @discardableResult
    func call(_ what: String, _ call: CoordinatorCall) async throws -> CoordinatorReply {
        let waiting = try begin(what, call)
        defer { giveUp(waiting) }
        return try await waiting.reply()
    }

    func begin(_ what: String, _ call: CoordinatorCall) throws -> Waiting {
        var begun: Result<Waiting, any Error> = .failure(AuthError.closed)
        turn { state, now in
            state.lastTicket += 1
            let waiting = Waiting(state.lastTicket, what, jobs.stores)
            state.waiting[waiting.ticket] = waiting
            begun = .success(waiting)
            do {
                return try coordinator.call(now: now, ticket: waiting.ticket, call: call)
            } catch {
                state.waiting[waiting.ticket] = nil
                begun = .failure(told(error))
                return coordinator.drain()
            }
        }
        return try begun.get()
    }

    func giveUp(_ gone: Waiting) {
        state.withLock { state in
            if state.waiting.removeValue(forKey: gone.ticket) != nil { coordinator.giveUp(ticket: gone.ticket) }
        }
    }

    /// The token did not go along.
    func calledWithoutToken(_ url: URL) throws {
        var failed: AuthError?
        turn { _, now in
            do {
                return try coordinator.calledWithoutToken(now: now, url: Secret(text: url.absoluteString))
            } catch {
                failed = told(error)
                return []
            }
        }
        if let failed { throw failed }
    }

    /// Ends everything: who waits is told now, what is under way is carried to its end behind the scenes.
    @discardableResult
    func close() -> Waiting? {
        let closed = try? begin("the end", .close(withinMs: nil))
        closed?.answer.onValue { [self] _ in
            let alarm = state.withLock { state -> Alarm? in
                state.isOver = true
                defer { state.alarm = nil }
                return state.alarm
            }
            alarm?.cancel()
            events.finish()
        }
        return closed
    }

    /// Why a call failed.
    func error(_ failure: CallFailure, _ what: String) -> AuthError {
        AuthError(failure, what, jobs.stores)
    }

    // ---------------------------------------------------------------- the coordinator

    /// Changes the coordinator and does what it says.
    private func turn(_ change: (inout State, Clocks) -> [CoordinatorOutput]) {
        var later: [() -> Void] = []
        state.withLock { state in
            for output in change(&state, clocks) { take(output, &state, &later) }
            setAlarm(&state)
        }
        for action in later { action() }
        events.deliver()
    }

    /// What has an order is done in it; what others may hear of is for `later`, when the lock is free.
    private func take(_ output: CoordinatorOutput, _ state: inout State, _ later: inout [() -> Void]) {
        switch output {
        case .do(let job, let op):
            state.running[job] = jobs.begin(op) { [self] result in
                turn { state, now in
                    state.running[job] = nil
                    return coordinator.done(now: now, job: job, result: result)
                }
            }
        case .stop(let job):
            if let running = state.running.removeValue(forKey: job) { later.append { running.cancel() } }
        case .resolve(let ticket, let reply):
            if let waiting = state.waiting.removeValue(forKey: ticket) { later.append { waiting.end(reply) } }
        case .show(let ticket, let prompt):
            if let waiting = state.waiting[ticket] { later.append { waiting.shown.keep(prompt) } }
        case .tell(let event):
            events.add(AuthEvent(event, jobs.stores))
        case .publish(let token):
            fresh.publish(token)
        }
    }

    private func setAlarm(_ state: inout State) {
        let wakeAt = coordinator.wakeAt()
        if state.isOver || (state.alarm != nil && state.wakeAt == wakeAt) { return }
        state.wakeAt = wakeAt
        state.alarm = Alarm(at: .now + .millis(coordinator.pause(now: clocks))) { [weak self] in
            Task { [weak self] in self?.wake() }
        }
    }

    private func wake() {
        turn { state, now in
            state.alarm = nil
            return coordinator.wake(now: now)
        }
    }
}

/// The caller's mistake. Nothing has happened.
private func told(_ error: any Error) -> AuthError {
    switch error {
    case RefusedError.Misuse(let mistake): .misuse(mistake)
    case let mistake as MisuseError: .misuse(mistake)
    default: .closed
    }
}
