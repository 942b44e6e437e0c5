// The driver's side of conformance/scenarios: lines in, calls of the public API, lines out. It decides nothing and checks
// nothing.

import Foundation
import JSONValue
import WebexOAuth

@main
struct Main {
    static func main() async {
        let harness = Harness()
        var running: [Task<Void, Never>] = []
        while let line = readLine() {
            guard let command = try? JSON(parsing: line) else {
                FileHandle.standardError.write(Data("not a line of JSON\n".utf8))
                exit(1)
            }
            // No command waits for another one.
            running.append(harness.begin(command))
        }
        await harness.closeAll()
        for task in running { await task.value }
    }
}

func say(_ line: JSON) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}

/// A client and the events that it has told since the last question.
struct Opened: Sendable {
    let client: AuthClient
    let events: Box<[JSON]>
    let listener: Task<Void, Never>
}

final class Box<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func with<T>(_ body: (inout Value) -> T) -> T {
        lock.lock()
        defer { lock.unlock() }
        return body(&value)
    }
}

final class Harness: Sendable {
    let clients = Box<[String: Opened]>([:])
    let memories = Box<[String: MemoryStore]>([:])
    let tasks = Box<[String: Task<Void, Never>]>([:])
    /// How far the clock is ahead of the machine's, in milliseconds.
    let ahead = Box<Int64>(0)

    func now() -> Date {
        Date().addingTimeInterval(Double(ahead.with { $0 }) / 1000)
    }

    func begin(_ command: JSON) -> Task<Void, Never> {
        let id = command["id"] ?? .null
        let go = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            for await _ in go.stream {}
            do {
                say(["id": id, "ok": try await run(command)])
            } catch {
                say(["id": id, "error": report(error)])
            }
            tasks.with { $0["\(id)"] = nil }
        }
        tasks.with { $0["\(id)"] = task }
        go.continuation.finish()
        return task
    }

    func closeAll() async {
        for opened in clients.with({ Array($0.values) }) {
            await opened.client.close()
        }
    }

    private func run(_ command: JSON) async throws -> JSON {
        let name = command["do"]?.text ?? ""
        switch name {
        case "hello": return ["driver": "swift", "protocol": 1]
        case "clock":
            ahead.with { $0 += command["advance"]?.int ?? 0 }
            return [:]
        case "cancel":
            tasks.with { $0["\(command["of"] ?? .null)"] }?.cancel()
            return [:]
        case "open":
            let opened = try await open(command)
            clients.with { $0[text(command, "client")] = opened }
            return [:]
        default: break
        }
        guard let opened = clients.with({ $0[text(command, "client")] }) else { throw Other("\(name): no such client") }
        return try await run(name, command, opened)
    }

    private func run(_ name: String, _ command: JSON, _ opened: Opened) async throws -> JSON {
        let client = opened.client
        switch name {
        case "close":
            await client.close()
            await opened.listener.value
        case "status": return report(client.status)
        case "events":
            // What was told a moment ago is on its way.
            try await Task.sleep(for: .milliseconds(20))
            return [
                "events": .list(
                    opened.events.with { events in
                        defer { events = [] }
                        return events
                    })
            ]
        case "adopt": try await client.adopt(text(command, "tokens"))
        case "begin_login":
            return ["url": .text(try await client.beginLogin(loginOptions(command)).absoluteString)]
        case "complete_login": try await client.completeLogin(callback: text(command, "callback"))
        case "cancel_login": try await client.cancelLogin(of: command["of"]?.text.flatMap { URL(string: $0) })
        case "login_device": try await client.deviceLogin(scope: command["scope"]?.text) { _ in }
        case "login_jwt": try await client.signIn(jwt: text(command, "jwt"))
        case "login_client_credentials":
            try await client.signInWithClientCredentials(scope: command["scope"]?.text)
        case "login_guest":
            try await client.signInAsGuest(
                serviceToken: text(command, "service_token"), subject: text(command, "subject"),
                displayName: text(command, "display_name"))
        // An app brings the user to the URL itself: there is no listener on loopback.
        case "login_browser": throw Unsupported()
        case "token": return try await many(command) { try await self.token(client.token()) }
        case "user_token":
            let scope = command["scope"]?.text
            return try await many(command) { try await self.token(client.userToken(scope: scope)) }
        case "call":
            let headers = (command["headers"]?.object ?? [:]).compactMapValues(\.text)
            let (url, method) = (text(command, "url"), command["method"]?.text ?? "GET")
            let body = command["body"]?.text.map { Data($0.utf8) }
            return try await many(command) {
                self.report(try await client.call(url, method: method, headers: headers, body: body))
            }
        case "refresh": try await client.refresh()
        case "services":
            let found = try await client.services(maxAge: .milliseconds(command["max_age"]?.int ?? 0))
            let urls = found.all().map { ($0.name, JSON.text($0.url)) }
            return ["services": .object(Dictionary(urls) { $1 })]
        case "sign_out":
            let url = try await client.signOut(signOutOptions(command))
            return ["url": url.map { .text($0.absoluteString) }]
        default: throw Other("no such command: \(name)")
        }
        return [:]
    }

    // ---------------------------------------------------------------- lines to arguments

    private func text(_ command: JSON, _ name: String) -> String {
        command[name]?.text ?? ""
    }

    private func loginOptions(_ command: JSON) -> LoginOptions {
        var options = LoginOptions(
            flow: command["flow"]?.text == "implicit" ? .implicit : .code, scope: command["scope"]?.text)
        options.redirectURI = command["redirect_uri"]?.text
        return options
    }

    private func signOutOptions(_ command: JSON) -> SignOutOptions {
        let logout: LogoutVia =
            switch command["logout"]?.text {
            case "browser": .browser
            case "post": .post
            default: .nothing
            }
        return SignOutOptions(revoke: command["revoke"]?.flag ?? true, logout: logout)
    }

    private func config(_ config: JSON) throws -> Config {
        try Config.make(
            provider: .webex(at: config["base_url"]?.text ?? ""), clientID: config["client_id"]?.text ?? "",
            clientSecret: config["client_secret"]?.text, redirectURI: config["redirect_uri"]?.text,
            scope: config["scope"]?.text ?? ""
        ) { parts in
            switch config["renewal"]?.text {
            case "host_token": parts.renewal = .hostToken
            case "host_jwt": parts.renewal = .hostJwt
            default: break
            }
            func set(_ target: inout UInt64, _ value: JSON?) {
                if let value = value?.natural { target = value }
            }
            set(&parts.requestTimeoutMs, config["request_timeout"])
            set(&parts.loginLifetimeMs, config["login_lifetime"])
            let refresh = config["refresh"] ?? .null
            if let soon = refresh["soon_permille"]?.list, soon.count == 2, let low = soon[0].int, let high = soon[1].int {
                parts.refresh.soonPermilleLow = UInt16(clamping: low)
                parts.refresh.soonPermilleHigh = UInt16(clamping: high)
            }
            set(&parts.refresh.marginMs, refresh["margin"])
            set(&parts.refresh.minIntervalMs, refresh["min_interval"])
            set(&parts.refresh.backoffMs, refresh["backoff"])
            set(&parts.refresh.maxBackoffMs, refresh["max_backoff"])
            if let proactive = refresh["proactive"]?.flag { parts.refresh.proactive = proactive }
            let bounds = config["retry_after"] ?? .null
            set(&parts.retryAfter.missingMs, bounds["missing"])
            set(&parts.retryAfter.zeroMs, bounds["zero"])
            set(&parts.retryAfter.minimumMs, bounds["minimum"])
            set(&parts.retryAfter.maximumMs, bounds["maximum"])
        }
    }

    private func store(_ store: JSON?) -> (any TokenStore)? {
        if let path = store?["file"]?.text { return FileStore(URL(fileURLWithPath: path)) }
        guard let name = store?["memory"]?.text else { return nil }
        return memories.with { memories in
            let memory = memories[name] ?? MemoryStore()
            memories[name] = memory
            return memory
        }
    }

    private func open(_ command: JSON) async throws -> Opened {
        // The host's answers, one after the other, the last one again and again.
        let answers = Box(command["host"]?.list ?? [])
        let host: @Sendable () throws -> Secret = {
            let answer = answers.with { $0.count > 1 ? $0.removeFirst() : $0.first }
            guard let text = answer?.text else { throw Other("the host has none") }
            return Secret(text: text)
        }
        var options = ClientOptions()
        options.clock = { self.now() }
        options.askForToken = { _ in try host() }
        options.askForJWT = { try host() }
        options.patience = command["patience"]?.int.map { .milliseconds($0) }
        if let maxWait = command["max_wait"]?.int { options.maxWait = .milliseconds(maxWait) }
        let client = try await AuthClient(
            config(command["config"] ?? .null), store: store(command["store"]), options: options)
        let events = Box<[JSON]>([])
        let stream = client.events
        let listener = Task {
            for await event in stream {
                events.with { $0.append(["name": .text(event.name), "text": .text(String(reflecting: event))]) }
            }
        }
        return Opened(client: client, events: events, listener: listener)
    }

    // ---------------------------------------------------------------- results to lines

    /// So many callers at the same time.
    private func many(
        _ command: JSON, _ caller: @escaping @Sendable () async throws -> JSON
    ) async throws -> JSON {
        let times = Int(command["times"]?.int ?? 1)
        let results = await withTaskGroup(of: JSON.self) { group in
            for _ in 0..<times {
                group.addTask {
                    do { return try await caller() } catch { return ["error": self.report(error)] }
                }
            }
            var results: [JSON] = []
            for await result in group { results.append(result) }
            return results
        }
        // The command itself was cancelled.
        try Task.checkCancellation()
        return ["results": .list(results)]
    }

    private func token(_ token: AccessToken) -> JSON {
        ["token": .text(token.expose())]
    }

    private func report(_ answer: APIResponse) -> JSON {
        let headers = Dictionary(answer.headers.map { ($0.lowercased(), JSON.text($1)) }) { $1 }
        return [
            "status": .number(Int64(answer.status)),
            "headers": .object(headers),
            "body": .text(String(decoding: answer.body, as: UTF8.self)),
            "refresh_error": answer.refreshError.map(report),
        ]
    }

    private func report(_ status: Status) -> JSON {
        let phase: JSON =
            switch status.phase {
            case .signedOut: "signed_out"
            case .signingIn: "signing_in"
            case .signedIn: "signed_in"
            }
        return [
            "phase": phase, "can_authorize": .flag(status.canAuthorize), "can_refresh": .flag(status.canRefresh),
            "generation": JSON(status.generation),
        ]
    }

    private func report(_ error: any Error) -> JSON {
        let text = JSON.text("\(error)")
        switch error {
        case let error as AuthError: return report(error)
        case is CancellationError: return ["kind": "cancelled", "text": text]
        case is ConfigError: return ["kind": "config", "text": text]
        case is Unsupported: return ["kind": "unsupported", "text": text]
        default: return ["kind": "other", "text": text]
        }
    }

    private func report(_ error: AuthError) -> JSON {
        let text = JSON.text("\(error)")
        switch error {
        case .signInRequired: return ["kind": "sign_in_required", "text": text]
        case .unavailable(_, let retryAt):
            let left = retryAt.timeIntervalSince(now()) * 1000
            return ["kind": "unavailable", "text": text, "retry_in": .number(Int64(left))]
        case .loginFailed(let fault):
            return ["kind": "login_failed", "text": text, "code": fault.code.map(JSON.text)]
        case .callbackIgnored(let reason):
            return ["kind": "callback_ignored", "text": text, "reason": .text(name(reason))]
        case .loginCancelled: return ["kind": "login_cancelled", "text": text]
        case .loginSuperseded: return ["kind": "login_superseded", "text": text]
        case .timedOut: return ["kind": "timeout", "text": text]
        case .closed: return ["kind": "closed", "text": text]
        case .misuse: return ["kind": "misuse", "text": text]
        case .store, .restore: return ["kind": "store", "text": text]
        case .call(let fault, _): return ["kind": "call", "text": text, "fault": .text(name(fault))]
        case .jwt: return ["kind": "other", "text": text]
        }
    }

    private func name(_ fault: SendFault) -> String {
        switch fault {
        case .notSent: "not_sent"
        case .untrusted: "untrusted"
        case .lost: "lost"
        case .tooLarge: "too_large"
        }
    }

    private func name(_ reason: CallbackIgnored) -> String {
        switch reason {
        case .noLoginPending: "no_login_pending"
        case .alreadyCompleted: "already_completed"
        case .otherUrl: "other_url"
        case .notACallback: "not_a_callback"
        case .wrongState: "wrong_state"
        case .duplicateParameter: "duplicate_parameter"
        case .wrongIssuer: "wrong_issuer"
        case .incomplete: "incomplete"
        case .tooLong: "too_long"
        }
    }
}

struct Unsupported: Error, CustomStringConvertible {
    let description = "not supported by this driver"
}

struct Other: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
