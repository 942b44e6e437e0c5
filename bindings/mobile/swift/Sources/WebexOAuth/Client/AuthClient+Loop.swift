// The loop: one input at a time, its effects in order, and those who wait for what comes of it.

import Foundation
import WebexOAuthCore

/// What one input brought for the one who gave it.
final class Turn {
    var url: URL?
    var ignored: CallbackIgnored?
}

/// Somebody who looks again when anything has changed, or when the time is over.
struct Waiter {
    let continuation: CheckedContinuation<Void, any Error>
    let deadline: ContinuousClock.Instant?
}

/// Clocks are set and machines sleep: no timer is trusted for longer.
private let longestSleep: Duration = .seconds(60)

extension AuthClient {
    // ---------------------------------------------------------------- inputs

    /// Gives the session an input when its turn has come, and waits until everything that it led to is done and stored.
    /// `choose` is called then; `nil` does nothing.
    func drive(_ choose: () throws -> Input?) async throws -> Turn? {
        try await until { desk.isFree ? () : nil }
        guard let input = try choose() else { return nil }
        let turn = try give(input)
        try await settled(turn)
        return turn
    }

    /// Gives an input, and takes note of it before its effects are done. Only while the desk is free.
    @discardableResult
    func give(_ input: Input, note: () -> Void = {}) throws -> Turn {
        fresh.clear()
        do {
            try desk.input(now, input)
        } catch let error as MisuseError {
            throw AuthError.misuse(error)
        }
        turn = Turn()
        let turn = turn
        note()
        pump()
        return turn
    }

    /// Gives an input as soon as the desk is free. Not for one that may be the caller's mistake.
    @discardableResult
    func post(_ input: Input) -> Turn {
        let turn = Turn()
        inbox.append((turn, input))
        pump()
        return turn
    }

    /// Everything that this turn led to is done and stored.
    func isDone(_ turn: Turn) -> Bool {
        turn === self.turn ? desk.isFree : !inbox.contains { $0.turn === turn }
    }

    func settled(_ turn: Turn) async throws {
        try await until(evenClosing: true) { () -> Void? in isDone(turn) ? () : nil }
    }

    // ---------------------------------------------------------------- effects

    /// Does what there is to do, then gives the next input that waits.
    func pump() {
        while true {
            while let effect = desk.next(now) {
                act(effect)
            }
            guard desk.isFree, !inbox.isEmpty else { break }
            let (next, input) = inbox.removeFirst()
            turn = next
            fresh.clear()
            do {
                try desk.input(now, input)
            } catch {
                // What the host brought cannot be used here: the question must not stay open.
                if case .provideJwt(let id, _) = input {
                    try? desk.input(now, .hostFailed(id: id, reason: "the JWT cannot be used here"))
                }
            }
        }
        setAlarm()
        changed()
    }

    private func act(_ effect: Effect) {
        switch effect {
        case .persist(let snapshot, _, let replaces):
            guard let store else {
                _ = desk.saved(now, .success(.stored))
                return
            }
            errand(isGrant: false) { await $0.save(snapshot, replaces: replaces, in: store) }
        case .send(let request):
            errand(isGrant: request.isGrant) { await $0.carry(request) }
        case .openBrowser(let url):
            turn.url = URL(string: url.expose())
        case .showDeviceCode(let prompt):
            if let ticket = logins.current { self.prompt = (ticket, prompt) }
        case .askForJwt(let id):
            errand(isGrant: nil) { await $0.askForJWT(id) }
        case .askForToken(let id, let ask):
            errand(isGrant: nil) { await $0.askForToken(id, ask) }
        case .notify(let name, let event):
            notify(name, event)
        }
    }

    private func notify(_ name: String, _ event: Event) {
        var signingIn = false
        if case .signingIn = session.phase() { signingIn = true }
        switch event {
        case .callbackIgnored(let reason):
            turn.ignored = reason
        case .tokensRefreshed:
            renewed += 1
        case .refreshFailed(let fault, let retryAt):
            notRenewed = (notRenewed.count + 1, fault, retryAt)
            if case .ready = session.access(now: now) {} else { signals.tell(.tokenExpired) }
        case .signedIn(_, _, _, _, let cleanedUrl, let state) where cleanedUrl != nil || state != nil:
            guard let ticket = logins.current else { break }
            landed = (ticket, SignedIn(cleanedURL: cleanedUrl.flatMap(URL.init(string:)), state: state))
        case .signInNeeded(let reason):
            signals.tell(.reLoginRequired(reason))
        case .signedOut(let reason, _) where reason != .byUser:
            signals.tell(.reLoginRequired(.signedOut(reason: reason)))
        default:
            break
        }
        logins.note(event, signingIn: signingIn)
        hub.tell(.session(name: name, event))
    }

    func tell(_ event: AuthEvent) {
        switch event {
        case .storeFailed(let error): storeError = error
        case .storeRecovered: storeError = nil
        case .session: break
        }
        hub.tell(event)
    }

    // ---------------------------------------------------------------- waiting

    /// Waits until `ready` has an answer. A caller that is cancelled leaves without a trace.
    func until<T>(
        _ deadline: ContinuousClock.Instant? = nil, evenClosing: Bool = false, _ ready: () throws -> T?
    ) async throws -> T {
        while true {
            if closing != nil && !evenClosing { throw AuthError.closed }
            let before = version
            if let answer = try ready() { return answer }
            // What `ready` itself has changed counts as well.
            if version == before { try await change(before: deadline) }
        }
    }

    /// The same for a caller whose patience is limited.
    func patiently<T>(_ what: String, _ limit: Duration, _ ready: () throws -> T?) async throws -> T {
        let deadline = ContinuousClock.now + limit
        return try await until(deadline) { () -> T? in
            if let answer = try ready() { return answer }
            if ContinuousClock.now >= deadline { throw AuthError.timedOut(what: what, after: limit) }
            return nil
        }
    }

    /// Whoever waits looks again.
    func changed() {
        version += 1
        let all = waiters
        waiters = [:]
        for waiter in all.values {
            waiter.continuation.resume()
        }
    }

    private func change(before deadline: ContinuousClock.Instant?) async throws {
        let number = nextNumber()
        if let deadline { setAlarm(at: deadline) }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    waiters[number] = Waiter(continuation: continuation, deadline: deadline)
                }
            }
        } onCancel: {
            Task { await self.leave(number) }
        }
    }

    private func leave(_ number: UInt64) {
        waiters.removeValue(forKey: number)?.continuation.resume(throwing: CancellationError())
    }

    func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    // ---------------------------------------------------------------- time

    /// Wakes the session when it wants to be woken.
    func setAlarm() {
        guard let wakeAt = desk.wakeAt else { return }
        let left = wakeAt.subtractingReportingOverflow(now)
        let wait = left.overflow ? longestSleep : min(.milliseconds(max(left.partialValue, 0)), longestSleep)
        setAlarm(at: max(ContinuousClock.now + wait, notBefore))
    }

    /// One alarm is enough: one that rings too early does no harm.
    func setAlarm(at instant: ContinuousClock.Instant) {
        guard !isClosed else { return }
        if let alarm, alarm.at <= instant { return }
        alarm = Alarm(at: instant) { [weak self] in
            Task { [weak self] in await self?.ring() }
        }
    }

    private func ring() {
        alarm = nil
        let instant = ContinuousClock.now
        if desk.isDue(now), instant >= notBefore, !isClosed {
            notBefore = instant + .milliseconds(20)
            post(.tick)
            if desk.isDue(now) { notBefore = instant + .seconds(1) }
        }
        let over = waiters.filter { $0.value.deadline.map { $0 <= instant } ?? false }
        for number in over.keys {
            waiters.removeValue(forKey: number)?.continuation.resume()
        }
        setAlarm()
        if let next = waiters.values.compactMap(\.deadline).min() { setAlarm(at: next) }
    }
}
