// The vectors that drive coordinators: steps in their order, and what every step had its driver do.

import Foundation
import JSONValue
import WebexOAuthCore

func coordinated(_ test: JSON, _ config: JSON?) throws -> JSON {
    let stage = Coordinators(try groupConfig(config))
    var results: [JSON] = []
    let steps: [JSON] = try need(test, "steps", list { $0 })
    for (at, step) in steps.enumerated() {
        do { results.append(try stage.step(step)) } catch { throw Problem("step \(at): \(error)") }
    }
    return ["steps": .list(results)]
}

/// The coordinators of one test, what each of them asked to save, and what it published last.
private final class Coordinators {
    private let config: Config
    private var driven: [String: Coordinator] = [:]
    private var saved: [String: [(revision: UInt64, snapshot: Secret)]] = [:]
    private var published: [String: PublishedToken] = [:]

    init(_ config: Config) { self.config = config }

    func step(_ step: JSON) throws -> JSON {
        let at = try need(step, "at") {
            Clocks(wall: try need($0, "wall", time), mono: try need($0, "mono", natural))
        }
        let name = try may(step, "coordinator", text) ?? "a"
        var result: JSON = [:]
        if let given = step["open"] {
            do {
                driven[name] = try open(given)
                published[name] = nil
            } catch OpenError.Stored(let why) {
                return ["error": json(why)]
            }
        }
        guard let coordinator = driven[name] else { throw Problem("there is no coordinator \(name)") }
        let outputs: [CoordinatorOutput]
        do {
            outputs = try act(coordinator, at, step)
        } catch let error as RefusedError {
            result = result.with("error", refused(error))
            outputs = coordinator.drain()
        }
        keep(name, outputs)
        let wakeAt = coordinator.wakeAt()
        return result.and([
            "outputs": .list(outputs.map(shown)),
            "published": published[name].flatMap { json($0) },
            "wake_at": ["wall": json(wakeAt.wall as Any), "mono": json(wakeAt.mono as Any)],
            "store_fault": json(coordinator.storeFault() as Any),
            "status": json(coordinator.status(now: at.wall)),
            "tokens": json(coordinator.tokens() as Any),
            "revision": json(coordinator.revision()),
        ])
    }

    private func act(_ coordinator: Coordinator, _ at: Clocks, _ step: JSON) throws -> [CoordinatorOutput] {
        if let given = step["call"] {
            let call = try need(given, "call", coordinatorCall)
            return try coordinator.call(now: at, ticket: need(given, "ticket", natural), call: call)
        }
        if let given = step["done"] {
            let result = try need(given, "result", jobResult)
            return coordinator.done(now: at, job: try need(given, "job", natural), result: result)
        }
        if let ticket = step["give_up"] { coordinator.giveUp(ticket: try natural(ticket)) }
        if let given = step["restarted"] {
            return try coordinator.restarted(now: at, seed: need(given, "seed", entropy))
        }
        return step["wake"] == nil ? coordinator.drain() : coordinator.wake(now: at)
    }

    private func keep(_ name: String, _ outputs: [CoordinatorOutput]) {
        for output in outputs {
            if case .publish(let fresh) = output { published[name] = fresh }
            if case .do(_, .save(let snapshot, let revision, _, _)) = output {
                saved[name, default: []].append((revision, snapshot))
            }
        }
    }

    private func open(_ given: JSON) throws -> Coordinator {
        let store = given["store"]
        let times: IntentTimes? = try may(given, "times") {
            IntentTimes(
                requestMs: try need($0, "request", natural), marginMs: try need($0, "margin", natural),
                pollGapMs: try need($0, "poll_gap", natural), resaveMs: try need($0, "resave", natural))
        }
        let options = CoordinatorOptions(
            hasStore: store != nil, lockDomain: try store.flatMap { try may($0, "lock_domain", text) },
            rotates: try may(given, "rotates", flag), patienceMs: try may(given, "patience", natural),
            hostLimitMs: try may(given, "host_limit", natural), farewellMs: try may(given, "farewell", natural),
            times: times)
        let stored = try may(given, "stored", snapshot)
        return try Coordinator.open(config: config, stored: stored, seed: need(given, "seed", seed), options: options)
    }

    /// A snapshot as text, or what a coordinator of this test asked to save: the last one, or the one of a revision.
    private func snapshot(_ value: JSON) throws -> Secret {
        guard let of = value["of"]?.text else { return try secret(value) }
        let revision = try may(value, "revision", natural)
        let fitting = saved[of]?.last { $0.revision == revision ?? $0.revision }
        guard let fitting else { throw Problem("\(of) did not save that") }
        return fitting.snapshot
    }

    private func jobResult(_ value: JSON) throws -> JobResult {
        let (name, given) = try variant(value)
        let found = { given == .null ? nil : try self.snapshot(given) }
        switch name {
        case "loaded": return .loaded(snapshot: try found())
        case "saved": return .saved
        case "conflict": return .conflict(snapshot: try found())
        case "store_failed":
            let fault = StoreFault(kind: try need(given, "kind", faultKind), problem: try need(given, "problem", text))
            return .storeFailed(fault: fault)
        case "locked": return .locked
        case "lock_busy": return .lockBusy
        case "unlocked": return .unlocked
        case "response": return .response(response: try response(given))
        case "send_failed": return .sendFailed(fault: try sendFault(given))
        case "answer": return .answer(secret: try secret(given))
        case "host_failed": return .hostFailed(reason: try text(given))
        default: throw Problem("unknown result \(name)")
        }
    }
}

private let faultKind = word([
    "unavailable": StoreFaultKind.unavailable, "denied": .denied, "full": .full, "damaged": .damaged, "other": .other,
])

private func coordinatorCall(_ value: JSON) throws -> CoordinatorCall {
    let (name, fields) = try variant(value)
    let within = try may(fields, "within", natural)
    switch name {
    case "token": return .token(of: try need(fields, "of", tokenOf), withinMs: within)
    case "refresh": return .refresh(withinMs: within)
    case "answered":
        return .answered(
            generation: try need(fields, "generation", natural), status: try need(fields, "status", status),
            retryAfter: try may(fields, "retry_after", text), spent: try spent(fields["spent"] ?? .null))
    case "sign_in": return .signIn(credential: try need(fields, "credential", credential), withinMs: within)
    case "complete_login": return .completeLogin(callback: try need(fields, "callback", secret), withinMs: within)
    case "await_login": return .awaitLogin(of: try need(fields, "of", secret), withinMs: within)
    case "cancel_login":
        return .cancelLogin(of: try may(fields, "of", natural), login: try may(fields, "login", secret))
    case "sign_out":
        return .signOut(options: try may(fields, "options", signOutOptions) ?? signOutOptions(.object([:])))
    case "look": return .look
    case "flush": return .flush(withinMs: within)
    case "close": return .close(withinMs: within)
    default: throw Problem("unknown call \(name)")
    }
}

private func tokenOf(_ value: JSON) throws -> TokenOf {
    switch try variant(value) {
    case ("session", _): return .session
    case ("user", let scope): return .user(scope: try text(scope))
    case ("user_default", _): return .userDefault
    case (let other, _): throw Problem("unknown token \(other)")
    }
}

private func spent(_ value: JSON) throws -> Spent {
    Spent(
        replays: UInt32(try may(value, "replays", natural) ?? 0), waitedMs: try may(value, "waited", natural) ?? 0,
        limitMs: try may(value, "limit", natural) ?? 0)
}

private func credential(_ value: JSON) throws -> Credential {
    let (name, fields) = try variant(value)
    switch name {
    case "browser":
        let options = try may(fields, "options", loginOptions) ?? loginOptions(.object([:]))
        return .browser(options: options, entropy: try need(fields, "entropy", entropy))
    case "code": return .code(code: try need(fields, "code", secret), verifier: try may(fields, "verifier", secret))
    case "device": return .device(scope: try may(fields, "scope", text))
    case "jwt": return .jwt(jwt: try need(fields, "jwt", secret))
    case "guest":
        return .guest(
            serviceToken: try need(fields, "service_token", secret), subject: try need(fields, "subject", text),
            displayName: try need(fields, "display_name", text))
    case "client": return .client(scope: try may(fields, "scope", text))
    case "tokens": return .tokens(tokens: try need(fields, "tokens", secret))
    default: throw Problem("unknown credential \(name)")
    }
}

private func refused(_ error: RefusedError) -> JSON {
    switch error {
    case .TicketInUse: return "ticket_in_use"
    case .Misuse(let mistake): return ["misuse": json(mistake)]
    }
}

/// The rest is regular; these have one unnamed value in the core.
private func shown(_ output: CoordinatorOutput) -> JSON {
    switch output {
    case .do, .stop, .publish: return json(output) ?? .null
    case .resolve(let ticket, let answer): return ["resolve": ["ticket": json(ticket), "reply": reply(answer)]]
    case .show(let ticket, let prompt):
        return ["show": ["ticket": json(ticket), "what": ["device_code": json(prompt)]]]
    case .tell(let event): return ["tell": ["event": told(event)]]
    }
}

private func reply(_ reply: CoordinatorReply) -> JSON? {
    switch reply {
    case .api(let next):
        if case .return(let why) = next { return ["api": ["return": ["why": why.flatMap(failure)]]] }
        return ["api": json(next)]
    case .url(let url): return ["url": json(url)]
    case .failed(let why): return ["failed": failure(why)]
    case .token, .signedIn, .done: return json(reply)
    }
}

private func failure(_ failure: CallFailure) -> JSON? {
    switch failure {
    case .store(let fault): return ["store": json(fault)]
    case .misuse(let mistake): return ["misuse": json(mistake)]
    default: return json(failure)
    }
}

private func told(_ event: CoordinatorEvent) -> JSON? {
    switch event {
    case .session(_, let event): return ["session": json(event)]
    case .storeFailed(let fault): return ["store_failed": json(fault)]
    case .storeRecovered: return json(event)
    }
}
