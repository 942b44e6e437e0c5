import Foundation
import WebexOAuthCore

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A coordinator asks for a few things at a time; the others are those that hang.
private let most = 32

/// The coordinator gives up by itself before that, and takes in what comes in between: a process may have been stopped.
private let aLittleMore: Duration = .seconds(3)

/// Does a coordinator's jobs, each within a limit of its own. Stores, transports and callbacks are the host's: they may
/// hang, and throw whatever there is. Of a foreign error nothing is told but its type.
struct Jobs: Sendable {
    let stores: StoreJobs?
    let transport: any HTTPTransport
    let options: ClientOptions
    let requestTimeout: Duration
    private let open = Locked(0)

    init(_ stores: StoreJobs?, _ transport: any HTTPTransport, _ options: ClientOptions, requestTimeout: Duration) {
        self.stores = stores
        self.transport = transport
        self.options = options
        self.requestTimeout = requestTimeout
    }

    /// A job under way; its limit goes with it.
    struct Running: Sendable {
        fileprivate let task: Task<Void, Never>
        fileprivate let limit: Alarm

        func cancel() {
            task.cancel()
        }
    }

    /// Begins one. What `report` gets late, or after a cancellation, is of no interest to anybody and does no harm.
    func begin(_ op: JobOp, _ report: @escaping @Sendable (JobResult) -> Void) -> Running {
        let task = Task {
            let mayRun = open.withLock { open -> Bool in
                open += 1
                return open <= most
            }
            let result = mayRun ? await run(op) : op.failed(.notSent, "what was begun before hangs")
            open.withLock { $0 -= 1 }
            report(result)
        }
        return Running(task: task, limit: Alarm(at: .now + limit(of: op)) { task.cancel() })
    }

    private func limit(of op: JobOp) -> Duration {
        switch op {
        case .send(_, _, let withinMs, _): .millis(withinMs) + aLittleMore
        case .askForToken(_, let withinMs), .askForJwt(let withinMs): .millis(withinMs) + aLittleMore
        case .load, .save, .tryLock, .unlock: requestTimeout + aLittleMore
        }
    }

    private func run(_ op: JobOp) async -> JobResult {
        switch op {
        case .send(let request, let freshConnection, let withinMs, let notAfter):
            return await NotAfter.$mono.withValue(notAfter) {
                await send(request, freshConnection, .millis(withinMs))
            }
        case .askForToken(let ask, _):
            guard let callback = options.askForToken else { return await answer(nil) }
            return await answer { try await callback(ask) }
        case .askForJwt:
            return await answer(options.askForJWT)
        case .load, .save, .tryLock, .unlock:
            guard let stores else { return op.failed(.notSent, "no store") }
            return await stores.run(op)
        }
    }

    private func send(_ request: HttpRequest, _ freshConnection: Bool, _ within: Duration) async -> JobResult {
        guard let url = request.target.asURL else { return .sendFailed(fault: .notSent) }
        var wire = URLRequest(url: url)
        wire.httpMethod = request.method
        for header in request.headers {
            wire.setValue(header.value.expose(), forHTTPHeaderField: header.name)
        }
        wire.httpBody = Data(request.body.expose().utf8)
        let limits = TransportLimits(
            timeout: within, maxBody: Int(clamping: request.maxResponseBytes), freshConnection: freshConnection)
        do {
            try NotAfter.check()
            let answer = try await sendInTime(wire, limits, by: transport)
            let headers = answer.headers.map { ResponseHeader(name: $0.name, value: $0.value) }
            let status = UInt16(clamping: answer.status)
            return .response(response: HttpResponse(status: status, headers: headers, body: answer.body))
        } catch {
            return .sendFailed(fault: (error as? TransportError)?.fault ?? .lost)
        }
    }

    private func answer(_ callback: (@Sendable () async throws -> Secret)?) async -> JobResult {
        guard let callback else { return .hostFailed(reason: "no callback is set") }
        do {
            return .answer(secret: try await callback())
        } catch {
            return .hostFailed(reason: "the callback failed (\(type(of: error)))")
        }
    }
}

extension JobOp {
    /// The report of a job that came to nothing by nobody's answer.
    fileprivate func failed(_ fault: SendFault, _ problem: String) -> JobResult {
        switch self {
        case .send: .sendFailed(fault: fault)
        case .askForToken, .askForJwt: .hostFailed(reason: problem)
        case .load, .save, .tryLock, .unlock: .storeFailed(fault: StoreFault(kind: .other, problem: problem))
        }
    }
}

/// Until when the first byte of a request may be written, by the monotonic clock. It goes along with the task that sends.
enum NotAfter {
    @TaskLocal static var mono: UInt64?

    static func check() throws {
        guard let mono, mono < monotonicMs() else { return }
        throw TransportError(.notSent, problem: "its time has passed")
    }
}
