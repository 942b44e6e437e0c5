// Calling an API with the token.

import Foundation
import WebexOAuthCore

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The answer of an API. Printing it shows neither headers nor body.
public struct APIResponse: Sendable {
    /// The URL that was called.
    public let url: URL?
    public let status: Int
    public let headers: [String: String]
    public let body: Data
    /// Why the token of a 401 could not be replaced, where that was tried.
    public internal(set) var refreshError: AuthError?

    /// A header, by its name in any case.
    public func header(_ name: String) -> String? {
        headers.first { $0.key.caseInsensitiveCompare(name) == .orderedSame }?.value
    }
}

extension APIResponse: CustomStringConvertible, CustomReflectable {
    public var description: String { "HTTP \(status), \(body.count) bytes" }
    public var customMirror: Mirror { Mirror(self, children: ["status": status, "length": body.count]) }
}

extension AuthClient {
    /// Calls an API. Every status is an answer; redirects are not followed.
    ///
    /// The token goes to the hosts of the configuration only, and never in place of an `Authorization` of the caller's
    /// own: such requests are sent as they are. With the token,
    ///
    /// - 401 is told to the session, and the call is made once more if that brought another token. If not, the first
    ///   answer is returned, with the reason: ``APIResponse/refreshError``;
    /// - 429 and 423 are waited out as `Retry-After` says, within ``ClientOptions/maxWait`` in all;
    /// - 451 ends the session.
    ///
    /// Throws as ``token(isolation:)``, ``AuthError/call(_:problem:)`` where no complete answer came, and
    /// ``AuthError/misuse(_:)`` for a URL that others may read as another host.
    public func call(_ request: URLRequest) async throws -> APIResponse {
        try checkOpen()
        return try await call(judge(request))
    }

    /// The same for a URL as it is written: what others may read as another host is refused before Foundation has read it.
    public func call(
        _ url: String, method: String = "GET", headers: [String: String] = [:], body: Data? = nil
    ) async throws -> APIResponse {
        try checkOpen()
        let judged = try judge(url) { url in
            var request = URLRequest(url: url)
            request.httpMethod = method
            for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
            request.httpBody = body
            return request
        }
        return try await call(judged)
    }

    private func call(_ judged: Judged) async throws -> APIResponse {
        let request = judged.request
        guard judged.mayCarryToken else {
            try tellWithheld(request)
            return try await send(request)
        }
        var token = try await self.token()
        var spent = Spent(replays: 0, waitedMs: 0, limitMs: UInt64(max(options.maxWait.millis, 0)))
        while true {
            var answer = try await send(request, with: token)
            let retryAfter = answer.header("Retry-After")
            switch try await executor.answered(token.generation, answer.status, retryAfter, spent) {
            case .return(let why):
                answer.refreshError = why.map { executor.error($0, "a token") }
                return answer
            case .again(let next, let generation, let spentSoFar):
                token = AccessToken(next, generation: generation, expiresAt: nil)
                spent = spentSoFar
            }
        }
    }

    /// ``call(_:)`` in the manner of `URLSession`.
    public func data(for request: URLRequest) async throws -> (Data, HTTPURLResponse) {
        let answer = try await call(request)
        guard let url = request.url,
            let response = HTTPURLResponse(
                url: url, statusCode: answer.status, httpVersion: nil, headerFields: answer.headers)
        else { throw AuthError.call(.lost, problem: "the answer cannot be represented") }
        return (answer.body, response)
    }

    /// The request with the bearer token, where it may carry it: to the configured hosts, and without an `Authorization`
    /// of its own. Any other request is returned as it is. For apps with an HTTP stack of their own, which then report a
    /// 401 with ``rejected(_:)``.
    public func authorized(_ request: URLRequest) async throws -> URLRequest {
        let judged = try judge(request)
        var request = judged.request
        guard judged.mayCarryToken else {
            try tellWithheld(request)
            return request
        }
        request.setValue(try await token().exposeHeader(), forHTTPHeaderField: "Authorization")
        return request
    }

    /// A request, addressed as the core has judged its URL, and whether the token goes with it.
    private typealias Judged = (request: URLRequest, mayCarryToken: Bool)

    private func judge(_ request: URLRequest) throws -> Judged {
        try judge(request.url?.absoluteString ?? "") { url in
            var addressed = request
            addressed.url = url
            return addressed
        }
    }

    /// `make` makes the request to the URL that the core has read in `text`.
    private func judge(_ text: String, _ make: (URL) -> URLRequest) throws -> Judged {
        let judged: JudgedUrl
        do {
            judged = try known.judge.judgeUrl(url: text)
        } catch let error as MisuseError {
            throw AuthError.misuse(error)
        }
        guard let url = judged.target.asURL else {
            let problem = "the URL means different places to different readers, so it is not called"
            throw AuthError.call(.notSent, problem: problem)
        }
        let request = make(url)
        let isSignedAlready = request.value(forHTTPHeaderField: "Authorization") != nil
        return (request, judged.mayCarryToken && !isSignedAlready)
    }

    private func send(_ request: URLRequest, with token: AccessToken? = nil) async throws -> APIResponse {
        var request = request
        if let token { request.setValue(token.exposeHeader(), forHTTPHeaderField: "Authorization") }
        let limits = TransportLimits(
            timeout: .millis(config.parts().requestTimeoutMs), maxBody: options.maxBody, freshConnection: false)
        do {
            let answer = try await sendInTime(request, limits, by: transport)
            let headers = Dictionary(answer.headers.map { ($0.name, $0.value) }) { "\($0), \($1)" }
            return APIResponse(url: request.url, status: answer.status, headers: headers, body: answer.body)
        } catch let error as TransportError {
            throw AuthError.call(error.fault, problem: error.problem)
        }
    }

    /// The token may not go there: told once for each host. A request that is signed already wants none.
    private func tellWithheld(_ request: URLRequest) throws {
        guard request.value(forHTTPHeaderField: "Authorization") == nil, let url = request.url else { return }
        try executor.calledWithoutToken(url)
    }

    private func checkOpen() throws {
        if executor.coordinator.isClosing() { throw AuthError.closed }
    }
}
