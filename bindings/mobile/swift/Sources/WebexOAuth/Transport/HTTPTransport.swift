import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Carries requests. ``URLSessionTransport`` does it unless an app brings its own.
///
/// It follows no redirect, repeats nothing by itself, keeps no cookies, and answers every status. What it throws beside
/// ``TransportError`` is taken for a lost request and not shown, as nobody knows what is in its text.
public protocol HTTPTransport: Sendable {
    func send(_ request: URLRequest, limits: TransportLimits) async throws -> TransportResponse
}

/// What a transport has to keep to.
public struct TransportLimits: Sendable {
    /// From beginning to end. The client gives up by itself after that, and cancels the task.
    public var timeout: Duration
    /// The longest body of an answer, in bytes; a longer one is ``SendFault/tooLarge``.
    public var maxBody: Int
    /// A grant request: not over a connection that was used before. On a stale one it could be lost without a trace.
    public var freshConnection: Bool

    public init(timeout: Duration, maxBody: Int, freshConnection: Bool) {
        self.timeout = timeout
        self.maxBody = maxBody
        self.freshConnection = freshConnection
    }
}

/// An answer, any status. Printing it shows nothing of headers and body.
public struct TransportResponse: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    /// As received, decompressed.
    public var body: Data

    public init(status: Int, headers: [(name: String, value: String)], body: Data) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

extension TransportResponse: CustomStringConvertible, CustomReflectable {
    public var description: String { "HTTP \(status), \(body.count) bytes" }
    public var customMirror: Mirror { Mirror(self, children: ["status": status, "length": body.count]) }
}

/// How a request failed below HTTP.
public struct TransportError: Error, Sendable {
    /// `notSent` and `untrusted` only where the server cannot have seen the request.
    public var fault: SendFault
    /// For people. Must not contain a secret, nor the URL.
    public var problem: String

    public init(_ fault: SendFault, problem: String) {
        self.fault = fault
        self.problem = problem
    }
}
