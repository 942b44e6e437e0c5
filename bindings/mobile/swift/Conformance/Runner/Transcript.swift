// The vectors that drive sessions: steps in their order, and what every step led to.

import Foundation
import JSONValue
import WebexOAuthCore

func transcript(_ test: JSON, _ config: JSON?) throws -> JSON {
    let config = try groupConfig(config)
    let stage = Stage(config, try Session(config: config, seed: seed(test["seed"] ?? 0)))
    var results: [JSON] = []
    let steps: [JSON] = try need(test, "steps", list { $0 })
    for (at, step) in steps.enumerated() {
        do { results.append(try stage.step(step)) } catch { throw Problem("step \(at): \(error)") }
    }
    return ["steps": .list(results)]
}

/// The sessions of one test, and what each of them stored.
private final class Stage {
    private let config: Config
    private var sessions: [String: Session]
    private var stored: [String: [(revision: UInt64, snapshot: Secret)]] = [:]

    init(_ config: Config, _ first: Session) {
        self.config = config
        sessions = ["a": first]
    }

    func step(_ step: JSON) throws -> JSON {
        let now = try need(step, "at", time)
        let name = try may(step, "session", text) ?? "a"
        var result: JSON = [:]
        if let new = step["new"] {
            sessions[name] = try Session(config: config, seed: need(new, "seed", seed))
        }
        if let restore = step["restore"] {
            let snapshot = try need(restore, "snapshot", snapshot)
            do {
                sessions[name] = try Session.restore(config: config, snapshot: snapshot)
            } catch let error as RestoreError {
                result = result.with("error", json(error))
            }
        }
        if let given = step["input"] {
            let given = try input(given, snapshot)
            do {
                let effects = try session(name).handle(now: now, input: given).tasks.map { $0.effect() }
                keep(name, effects)
                result = result.with("effects", json(effects))
            } catch let error as MisuseError {
                result = result.with("error", json(error))
            }
        }
        let session = try session(name)
        result = result.and(queries(session, now))
        return result.with("answers", try step["ask"].map { try answers(session, now, $0) })
    }

    private func session(_ name: String) throws -> Session {
        guard let session = sessions[name] else { throw Problem("there is no session \(name)") }
        return session
    }

    private func keep(_ name: String, _ effects: [Effect]) {
        for case .persist(let snapshot, let revision, _) in effects {
            stored[name, default: []].append((revision, snapshot))
        }
    }

    /// A snapshot as text, or what a session of this test stored: the last one, or the one of a revision.
    private func snapshot(_ value: JSON) throws -> Secret {
        guard let of = value["of"]?.text else { return try secret(value) }
        let revision = try may(value, "revision", natural)
        let fitting = stored[of]?.last { $0.revision == revision ?? $0.revision }
        guard let fitting else { throw Problem("\(of) did not store that") }
        return fitting.snapshot
    }
}

/// The questions that every session answers.
func queries(_ session: Session, _ now: Timestamp) -> JSON {
    [
        "phase": json(session.phase()),
        "access": json(session.access(now: now)),
        "status": json(session.status(now: now)),
        "wake_at": json(session.wakeAt() as Any),
        "revision": json(session.revision()),
        "tokens": json(session.tokens() as Any),
        "user_scope": json(session.userScope() as Any),
        "user_tokens": json(session.userTokens()),
        "snapshot": json(session.snapshot()),
    ]
}

/// Questions with an argument.
private func answers(_ session: Session, _ now: Timestamp, _ asked: JSON) throws -> JSON {
    [
        "access_for": try may(asked, "access_for", text).flatMap { json(session.accessFor(now: now, scope: $0)) },
        "awaits": try may(asked, "awaits", natural).flatMap { json(session.awaits(id: $0)) },
        "logout_url": try asked["logout_url"].flatMap { json(session.logoutUrl(returnTo: try may($0, "goto", text)) as Any) },
    ]
}
