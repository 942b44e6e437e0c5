// Errands: saves, requests, questions to the host. They belong to the client, and each one reports to the session.

import Foundation
import WebexOAuthCore

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// How long another process may hold the lock: a little less than the session waits for a request beyond its timeout.
private let lockPatience: Duration = .seconds(12)
private let longestPause: Duration = .milliseconds(50)

extension AuthClient {
    /// Begins one. `isGrant` is `nil` for one that nobody has to wait for when the client is closed.
    func errand(isGrant: Bool?, _ work: @escaping @Sendable (isolated AuthClient) async -> Void) {
        let number = nextNumber()
        count(isGrant, +1)
        errands[number] = Task {
            await work(self)
            errands[number] = nil
            count(isGrant, -1)
            changed()
        }
    }

    private func count(_ isGrant: Bool?, _ change: Int) {
        switch isGrant {
        case true?: grants += change
        case false?: others += change
        case nil: break
        }
    }

    func save(_ snapshot: Secret, replaces: UInt64, in store: any TokenStore) async {
        let result: Result<SaveResult, StoreError>
        do {
            let answer = try await store.save(snapshot, replaces: replaces)
            if case .conflict(let found) = answer, found.map({ desk.revision(of: $0) ?? replaces }) ?? 0 == replaces {
                // It holds what nobody can read, or another client or version may, or just what was to be replaced: to
                // go on would be for ever.
                result = .failure(.damaged(what: "what the store says it holds"))
            } else {
                result = .success(answer)
            }
        } catch {
            result = .failure(StoreError(of: error))
        }
        // The new state counts from here.
        fresh.clear()
        if let event = desk.saved(now, result) { tell(event) }
        pump()
    }

    func carry(_ request: HttpRequest) async {
        let notSent = Input.sendFailed(id: request.id, fault: .notSent)
        var lock: StoreLock?
        if request.isGrant, let store {
            switch await takeLock(of: store, for: request.id) {
            case .notOurTurn:
                post(notSent)
                return
            case .taken(let taken): lock = taken
            }
            await lookIntoStore()
            // Another process may have renewed the tokens meanwhile.
            if !session.awaits(id: request.id) {
                lock?.release()
                post(notSent)
                return
            }
        }
        let answer = await exchange(request)
        if request.isGrant, store != nil, lock == nil {
            // Unguarded: a refusal may mean that another process was faster.
            await lookIntoStore()
        }
        let turn = post(answer)
        // The next one to hold the lock has to find what this answer led to.
        try? await settled(turn)
        lock?.release()
    }

    private func exchange(_ request: HttpRequest) async -> Input {
        guard let url = request.target.asURL else { return .sendFailed(id: request.id, fault: .notSent) }
        var wire = URLRequest(url: url)
        wire.httpMethod = request.method
        for header in request.headers {
            wire.setValue(header.value.expose(), forHTTPHeaderField: header.name)
        }
        wire.httpBody = Data(request.body.expose().utf8)
        let limits = TransportLimits(
            timeout: .millis(request.timeoutMs), maxBody: Int(clamping: request.maxResponseBytes),
            freshConnection: true)
        do {
            let answer = try await sendInTime(wire, limits, by: transport)
            let headers = answer.headers.map { ResponseHeader(name: $0.name, value: $0.value) }
            let status = UInt16(clamping: answer.status)
            let response = HttpResponse(status: status, headers: headers, body: answer.body)
            return .response(id: request.id, response: response)
        } catch {
            return .sendFailed(id: request.id, fault: (error as? TransportError)?.fault ?? .lost)
        }
    }

    // ---------------------------------------------------------------- the store

    private enum Lock {
        /// `nil` where the lock does not work: better a request without it than none.
        case taken(StoreLock?)
        /// Another process does not let go of it, or the request is not awaited any longer.
        case notOurTurn
    }

    private func takeLock(of store: any TokenStore, for id: RequestId) async -> Lock {
        let end = ContinuousClock.now + lockPatience
        var pause: Duration = .milliseconds(1)
        while session.awaits(id: id) {
            do {
                if let lock = try await store.tryLock() { return .taken(lock) }
            } catch {
                let error = StoreError(of: error)
                hub.tell(.storeFailed(error))
                if case .busy = error { return .notOurTurn }
                return .taken(nil)
            }
            if ContinuousClock.now >= end {
                hub.tell(.storeFailed(.busy(what: "the store")))
                return .notOurTurn
            }
            guard (try? await Task.sleep(for: pause)) != nil else { return .notOurTurn }
            pause = min(pause * 2, longestPause)
        }
        return .notOurTurn
    }

    /// Another process may have renewed the tokens, or signed in or out. Answers whether there was news.
    @discardableResult
    func lookIntoStore() async -> Bool {
        guard let store else { return false }
        do {
            guard let found = try await store.load(), desk.isNews(found) else { return false }
            let turn = post(.reload(snapshot: found))
            try? await settled(turn)
            return true
        } catch {
            hub.tell(.storeFailed(StoreError(of: error)))
            return false
        }
    }

    // ---------------------------------------------------------------- the host

    func askForToken(_ id: RequestId, _ ask: TokenAsk) async {
        guard let callback = options.askForToken else {
            post(.hostFailed(id: id, reason: "no callback for tokens is set"))
            return
        }
        do {
            post(.provideToken(id: id, tokens: try await callback(ask)))
        } catch {
            post(.hostFailed(id: id, reason: "the callback failed (\(type(of: error)))"))
        }
    }

    func askForJWT(_ id: RequestId) async {
        guard let callback = options.askForJWT else {
            post(.hostFailed(id: id, reason: "no callback for JWTs is set"))
            return
        }
        do {
            post(.provideJwt(id: id, jwt: try await callback()))
        } catch {
            post(.hostFailed(id: id, reason: "the callback failed (\(type(of: error)))"))
        }
    }
}
