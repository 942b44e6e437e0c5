// A session and its store's side of the story: in which order effects are done, and what a conflict or a failed save
// means. No IO: the client does what `next` says and reports back. The model is adapters/driver/src/desk.rs.

import WebexOAuthCore

/// One input at a time: give the next one when ``isFree``. Two inputs whose snapshots are both on their way could not be
/// told apart by the store's revision.
struct Desk {
    /// An effect that is still to be done. Only a save of the desk's own has no task.
    private struct Pending {
        let effect: Effect
        let task: EffectTask?

        var isPersist: Bool {
            if case .persist = effect { return true }
            return false
        }
    }

    /// A failed save is tried again after so many milliseconds, if nothing happens before.
    private static let saveAgain: Timestamp = 10_000

    private let config: Config
    let session: Session
    private var effects: [Pending] = []
    /// Given to the session when the effects are done.
    private var inputs: [Input] = []
    /// The revision that the store holds, as far as known.
    private var stored: UInt64
    /// The revision of a save that is under way.
    private var saving: UInt64?
    /// What callers get while a save is under way.
    private var held: Access?
    /// The last save failed: then again.
    private var saveAt: Timestamp?
    /// What the clock read at the last input.
    private var latest: Timestamp?

    init(_ config: Config, _ session: Session) {
        self.config = config
        self.session = session
        stored = session.revision()
    }

    /// Whether an input may be given.
    var isFree: Bool { saving == nil && effects.isEmpty && inputs.isEmpty }

    /// Why the callback that was just given is nobody's, where it is.
    var ignored: CallbackIgnored? {
        for pending in effects {
            if case .notify(_, .callbackIgnored(let reason)) = pending.effect { return reason }
        }
        return nil
    }

    /// Whether callers are answered by the session itself.
    var isSettled: Bool { held == nil }

    /// What is in the session and not in the store, after a save has failed.
    var isUnsaved: Bool { saveAt != nil }

    /// When to give a tick, if nothing else happens before.
    var wakeAt: Timestamp? {
        switch (session.wakeAt(), saveAt) {
        case (let wakeAt?, let saveAt?): min(wakeAt, saveAt)
        case (let wakeAt, let saveAt): wakeAt ?? saveAt
        }
    }

    /// Whether to give a tick: its time has come, or the clock reads earlier than before. Everything that is waited for
    /// moves along with such a clock, once the session has seen it.
    func isDue(_ now: Timestamp) -> Bool {
        guard let wakeAt else { return false }
        return wakeAt <= now || latest.map { now < $0 } ?? false
    }

    /// Gives the session an input. What follows from it comes out of ``next(_:)``.
    mutating func input(_ now: Timestamp, _ input: Input) throws {
        let before = session.access(now: now)
        let output = try session.handle(now: now, input: input)
        latest = now
        let new = output.tasks.map { Pending(effect: $0.effect(), task: $0) }
        if case .reload(let found) = input, let theirs = revision(of: found) {
            stored = theirs
        }
        // The store failed, or was put back, or begun anew.
        let isBehind = saveAt != nil || session.revision() > stored
        if isBehind && !new.contains(where: \.isPersist) {
            effects.append(saveNow())
        }
        effects.append(contentsOf: new)
        if effects.first?.isPersist == true {
            held = before
        }
    }

    /// What to do next; `nil` while a save is under way, and when all is done. `persist` is to be reported with
    /// ``saved(_:_:)``; everything else is done when it is begun.
    mutating func next(_ now: Timestamp) -> Effect? {
        while saving == nil {
            if let pending = effects.first {
                effects.removeFirst()
                guard case .persist(let snapshot, let revision, _) = pending.effect else { return pending.effect }
                saving = revision
                // What failed to be saved before is in this snapshot as well.
                return .persist(snapshot: snapshot, revision: revision, replaces: stored)
            }
            guard let input = inputs.first else { return nil }
            inputs.removeFirst()
            // Reports that a request was not sent: never a mistake.
            try? self.input(now, input)
        }
        return nil
    }

    /// How a save ended. Not `nil` where there is something to tell: the failure, or that the store works again.
    mutating func saved(_ now: Timestamp, _ result: Result<SaveResult, StoreError>) -> AuthEvent? {
        guard let revision = saving else { return nil }
        saving = nil
        var told: AuthEvent?
        switch result {
        case .success(.stored):
            stored = revision
            if saveAt != nil { told = .storeRecovered }
            saveAt = nil
        case .success(.conflict(let found)):
            let wasUnsaved = isUnsaved
            conflict(now, found)
            if wasUnsaved && !isUnsaved { told = .storeRecovered }
        case .failure(let error):
            saveAt = now + Self.saveAgain
            told = .storeFailed(error)
        }
        if effects.first?.isPersist != true {
            held = nil
        }
        return told
    }

    /// May a caller have a token now? `nil` while the new state is on its way to the store and the old one has nothing
    /// to give: ask again when it is saved.
    func access(_ now: Timestamp, for scope: Scope?) -> Access? {
        guard let held else {
            guard let scope else { return session.access(now: now) }
            return session.accessFor(now: now, scope: scope)
        }
        if scope == nil, case .ready(let token, let generation, let expiresAt, _) = held,
            expiresAt.map({ now < $0 }) ?? true
        {
            return .ready(token: token, generation: generation, expiresAt: expiresAt, refreshSoon: false)
        }
        return nil
    }

    /// Whether what the store holds is something else than what is known to be there: then give it as `reload`. A store
    /// that was begun anew counts from another number. What cannot be taken in is no news.
    func isNews(_ found: Secret) -> Bool {
        revision(of: found).map { $0 != stored } ?? false
    }

    /// The revision of what the store holds, where that can be taken in: it may be of another version or client.
    func revision(of found: Secret) -> UInt64? {
        (try? Session.restore(config: config, snapshot: found))?.revision()
    }

    private func saveNow() -> Pending {
        Pending(
            effect: .persist(snapshot: session.snapshot(), revision: session.revision(), replaces: stored), task: nil)
    }

    /// Another process was faster. Its state is taken in; what follows is done as far as it is still wanted.
    private mutating func conflict(_ now: Timestamp, _ found: Secret?) {
        guard let found else {
            // Somebody has emptied the store.
            stored = 0
            effects.insert(saveNow(), at: 0)
            return
        }
        if let revision = revision(of: found) {
            stored = revision
        }
        let rest = effects
        // A snapshot is never the caller's mistake.
        let reloaded = (try? session.handle(now: now, input: .reload(snapshot: found)))?.tasks ?? []
        effects = reloaded.map { Pending(effect: $0.effect(), task: $0) }
        if effects.first?.isPersist != true {
            if session.revision() > stored {
                // Theirs brought nothing new: ours still has to get there.
                effects.insert(saveNow(), at: 0)
            } else {
                saveAt = nil
            }
        }
        for pending in rest {
            if let task = pending.task, session.stillWants(task: task) {
                effects.append(pending)
            } else if let input = undone(pending.effect) {
                inputs.append(input)
            }
        }
    }
}

/// A request that will not be sent must not be waited for.
private func undone(_ effect: Effect) -> Input? {
    switch effect {
    case .send(let request): .sendFailed(id: request.id, fault: .notSent)
    case .askForJwt(let id), .askForToken(let id, _): .hostFailed(id: id, reason: "superseded")
    case .persist, .openBrowser, .showDeviceCode, .notify: nil
    }
}
