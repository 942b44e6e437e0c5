import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// HTTP by `URLSession`: no redirects, no cookies, no cache, every status an answer, bodies capped.
public final class URLSessionTransport: HTTPTransport {
    /// What clients use unless told otherwise.
    public static let shared = URLSessionTransport()

    private let makeConfiguration: @Sendable () -> URLSessionConfiguration
    private let calls = Locked<Wire?>(nil)

    /// `configure` may change the configuration of the sessions: proxies, TLS, headers.
    public init(configure: @escaping @Sendable (URLSessionConfiguration) -> Void = { _ in }) {
        makeConfiguration = {
            let configuration = URLSessionConfiguration.ephemeral
            configuration.httpCookieStorage = nil
            configuration.httpShouldSetCookies = false
            configuration.httpCookieAcceptPolicy = .never
            configuration.urlCache = nil
            configuration.urlCredentialStorage = nil
            configuration.httpAdditionalHeaders = ["User-Agent": "webex-oauth-swift/0.1.0"]
            configure(configuration)
            return configuration
        }
    }

    public func send(_ request: URLRequest, limits: TransportLimits) async throws -> TransportResponse {
        var request = request
        // Between two bytes, in whole seconds: on Linux a part of one counts as nothing. The client itself keeps the time
        // of the whole.
        request.timeoutInterval = Double(limits.timeout.components.seconds) + 2
        guard limits.freshConnection else {
            return try await sharedWire().send(request, maxBody: limits.maxBody)
        }
        let wire = Wire(makeConfiguration())
        defer { wire.finish() }
        return try await wire.send(request, maxBody: limits.maxBody)
    }

    private func sharedWire() -> Wire {
        calls.withLock { calls in
            if let wire = calls { return wire }
            let wire = Wire(makeConfiguration())
            calls = wire
            return wire
        }
    }

    deinit {
        calls.withLock { $0?.finish() }
    }
}

/// A URL session and the requests that are under way on it.
private final class Wire: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private struct Exchange {
        let continuation: CheckedContinuation<TransportResponse, any Error>
        let maxBody: Int
        var response: HTTPURLResponse?
        var body = Data()
    }

    private let exchanges = Locked<[Int: Exchange]>([:])
    // Set once, right below: a session wants its delegate, which is this object.
    private var session: URLSession!

    init(_ configuration: URLSessionConfiguration) {
        super.init()
        session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
    }

    /// The session holds its delegate until it is told.
    func finish() {
        session.finishTasksAndInvalidate()
    }

    func send(_ request: URLRequest, maxBody: Int) async throws -> TransportResponse {
        guard let scheme = request.url?.scheme?.lowercased(), scheme == "https" || scheme == "http" else {
            throw TransportError(.notSent, problem: "the URL cannot be called")
        }
        let task = session.dataTask(with: request)
        // There is no moment closer to the wire that Foundation tells of.
        try NotAfter.check()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                exchanges.withLock {
                    $0[task.taskIdentifier] = Exchange(continuation: continuation, maxBody: maxBody)
                }
                task.resume()
                if Task.isCancelled { task.cancel() }
            }
        } onCancel: {
            task.cancel()
        }
    }

    private func end(_ task: URLSessionTask, with result: Result<TransportResponse, any Error>) {
        let exchange = exchanges.withLock { $0.removeValue(forKey: task.taskIdentifier) }
        exchange?.continuation.resume(with: result)
    }

    private func refuse(_ task: URLSessionTask) {
        end(task, with: .failure(TransportError(.tooLarge, problem: "the answer is too large")))
        task.cancel()
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        // A redirect is an answer.
        completionHandler(nil)
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let fits = exchanges.withLock { exchanges -> Bool in
            exchanges[dataTask.taskIdentifier]?.response = response as? HTTPURLResponse
            guard let exchange = exchanges[dataTask.taskIdentifier] else { return true }
            return response.expectedContentLength <= Int64(exchange.maxBody)
        }
        if !fits { refuse(dataTask) }
        completionHandler(fits ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let fits = exchanges.withLock { exchanges -> Bool in
            // In place: beside a second reference to it each append would copy the whole body.
            let id = dataTask.taskIdentifier
            let room = exchanges[id].map { $0.maxBody - $0.body.count } ?? 0
            if data.count <= room { exchanges[id]?.body.append(data) }
            return data.count <= room || exchanges[id] == nil
        }
        if !fits { refuse(dataTask) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let error {
            return end(task, with: .failure(transportError(error)))
        }
        let exchange = exchanges.withLock { $0[task.taskIdentifier] }
        guard let exchange, let response = exchange.response ?? task.response as? HTTPURLResponse else {
            return end(task, with: .failure(TransportError(.lost, problem: "no answer")))
        }
        let headers = response.allHeaderFields.compactMap { name, value -> (name: String, value: String)? in
            guard let name = name as? String, let value = value as? String else { return nil }
            return (name, value)
        }
        guard hasOneLength(response) else {
            return end(task, with: .failure(TransportError(.lost, problem: "the answer has two lengths")))
        }
        end(task, with: .success(TransportResponse(status: response.statusCode, headers: headers, body: exchange.body)))
    }
}

/// Chunks count before a length (RFC 9112 section 6.3). Foundation may join the values of two headers.
private func hasOneLength(_ response: HTTPURLResponse) -> Bool {
    guard let text = response.value(forHTTPHeaderField: "Content-Length") else { return true }
    let lengths = Set(text.split(separator: ",", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } })
    return lengths.count == 1 || response.value(forHTTPHeaderField: "Transfer-Encoding") != nil
}

/// Without the URL, which may carry what the caller put there.
private func transportError(_ error: any Error) -> TransportError {
    guard let error = error as? URLError else {
        return TransportError(.lost, problem: "the connection failed")
    }
    let code = error.code
    switch code {
    case .badURL, .unsupportedURL:
        // The core has judged the URL: on Linux this is how an answer that is none is told.
        return TransportError(.lost, problem: "the answer is not HTTP")
    case .cannotFindHost, .dnsLookupFailed:
        return TransportError(.notSent, problem: "the host is not known")
    case .cannotConnectToHost, .notConnectedToInternet, .internationalRoamingOff, .dataNotAllowed, .callIsActive:
        return TransportError(.notSent, problem: "the host cannot be reached")
    case .serverCertificateHasBadDate, .serverCertificateUntrusted, .serverCertificateHasUnknownRoot,
        .serverCertificateNotYetValid:
        return TransportError(.untrusted, problem: "the server's certificate is not trusted")
    case .secureConnectionFailed, .clientCertificateRejected, .clientCertificateRequired,
        .appTransportSecurityRequiresSecureConnection:
        return TransportError(.notSent, problem: "no secure connection came about")
    case .dataLengthExceedsMaximum:
        return TransportError(.tooLarge, problem: "the answer is too large")
    case .timedOut:
        return TransportError(.lost, problem: "no answer in time")
    case .cancelled:
        return TransportError(.lost, problem: "cancelled")
    default:
        return TransportError(.lost, problem: "the connection failed (\(code.rawValue))")
    }
}
