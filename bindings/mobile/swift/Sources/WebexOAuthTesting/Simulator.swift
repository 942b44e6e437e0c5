#if os(macOS) || os(Linux)
    import Foundation
    import WebexOAuth

    #if canImport(FoundationNetworking)
        import FoundationNetworking
    #endif

    /// A Webex-like authorization server on this machine, on a free port, for tests: the program `webex-oauth-simulator`. It
    /// ends with this object, or with the process, whatever happens.
    ///
    ///     let simulator = try await Simulator()
    ///     let client = try await AuthClient(simulator.config())
    ///     try await client.completeLogin(simulator.authorize(client.beginLogin()))
    ///
    /// The program is looked for on the path; the variable `WEBEX_OAUTH_SIMULATOR` may name another place.
    public final class Simulator: Sendable {
        /// `http://127.0.0.1:PORT`
        public let baseURL: URL
        /// The integration that it knows.
        public let clientID: String
        /// The secret of that integration.
        public let clientSecret: String
        /// What brings `Config.make(variables:)`, and every other program of webex-oauth, to this server.
        public let variables: [String: String]

        private let program: Program

        /// Starts the program. `arguments` are its own: `--rotate`, `--access-lifetime=5s`. Throws ``SimulatorError``.
        public init(_ arguments: [String] = []) async throws {
            program = try Program.start(["--json", "--stop-with-stdin"] + arguments)
            let line = try await program.firstLine()
            let said = try JSONDecoder().decode(Said.self, from: Data(line.utf8))
            guard let url = URL(string: said.baseURL) else { throw SimulatorError("the simulator has no address") }
            (baseURL, clientID, clientSecret, variables) = (url, said.clientID, said.clientSecret, said.variables)
        }

        private struct Said: Decodable {
            let baseURL: String
            let clientID: String
            let clientSecret: String
            let variables: [String: String]

            enum CodingKeys: String, CodingKey {
                case baseURL = "base_url"
                case clientID = "client_id"
                case clientSecret = "client_secret"
                case variables
            }
        }

        /// A configuration for this server. `change` is for everything else.
        public func config(
            redirectURI: String = "http://localhost:8080/oauth", scope: Scope = "spark:all",
            change: (inout ConfigParts) -> Void = { _ in }
        ) throws -> Config {
            try Config.make(
                provider: .webex(at: baseURL), clientID: clientID, clientSecret: clientSecret, redirectURI: redirectURI,
                scope: scope, change: change)
        }

        /// The person at the browser decides, `accept` or `decline`; answers the address where the browser arrives.
        public func authorize(_ url: URL, decision: String = "accept", person: String? = nil) async throws -> URL {
            var asked = ["url": url.absoluteString, "decision": decision]
            asked["person"] = person
            let redirect = try await control("authorize", asked)["redirect"] as? String
            guard let arrived = redirect.flatMap(URL.init(string:)) else { throw SimulatorError("nobody was redirected") }
            return arrived
        }

        /// A token answer as if somebody had signed in, as JSON: what ``AuthClient/adopt(_:)`` takes.
        public func issue(scope: String = "spark:all", person: String? = nil) async throws -> String {
            var asked = ["client_id": clientID, "scope": scope]
            asked["person"] = person
            return String(decoding: try await request("issue", asked, nil), as: UTF8.self)
        }

        /// The next request that it is meant for meets it: `fault("status", ["status": 503, "grant_type": "refresh_token"])`.
        public func fault(_ kind: String, _ members: [String: any Sendable] = [:]) async throws {
            try await control("faults", members.merging(["fault": kind]) { $1 })
        }

        /// Changes options: `set(["rotate": true])`.
        public func set(_ options: [String: any Sendable]) async throws {
            try await control("options", options, method: "PATCH")
        }

        /// Tokens end now.
        public func expire(access: Bool = true, refresh: Bool = false) async throws {
            try await control("expire", ["access": access, "refresh": refresh])
        }

        /// Takes all tokens back.
        public func revokeAll() async throws {
            try await control("revoke", ["all": true])
        }

        /// The server's clock goes on by so much.
        public func advance(_ time: Duration) async throws {
            let (seconds, rest) = time.components
            try await control("clock", ["advance_ms": Int(seconds) * 1000 + Int(rest / 1_000_000_000_000_000)])
        }

        /// How often it happened: `refreshes_succeeded`, `reuse_detected`.
        public func counter(_ name: String) async throws -> Int {
            guard let count = try await control("counters")[name] as? Int else {
                throw SimulatorError("the simulator has no counter \(name)")
            }
            return count
        }

        /// As after the start: no sign-ins, no faults, nothing seen.
        public func reset() async throws {
            try await control("release", [:])
            try await control("reset", [:])
        }

        /// One request of the control API: `control("clock", ["advance_ms": 1000])`. Without a body it is a GET.
        @discardableResult
        public func control(
            _ path: String, _ body: [String: any Sendable]? = nil, method: String? = nil
        ) async throws -> [String: any Sendable] {
            let answer = try await request(path, body, method)
            return try JSONSerialization.jsonObject(with: answer) as? [String: any Sendable] ?? [:]
        }

        private func request(_ path: String, _ body: [String: any Sendable]?, _ method: String?) async throws -> Data {
            var request = URLRequest(url: baseURL.appendingPathComponent("_sim/\(path)"))
            request.httpMethod = method ?? (body == nil ? "GET" : "POST")
            request.httpBody = try body.map { try JSONSerialization.data(withJSONObject: $0) }
            let limits = TransportLimits(timeout: .seconds(20), maxBody: 10_000_000, freshConnection: false)
            let answer = try await URLSessionTransport.shared.send(request, limits: limits)
            guard answer.status == 200 else {
                let text = String(decoding: answer.body, as: UTF8.self)
                throw SimulatorError("the simulator answered \(answer.status) to \(path): \(text)")
            }
            return answer.body
        }
    }

    /// What went wrong with a ``Simulator``.
    public struct SimulatorError: Error, CustomStringConvertible {
        public let description: String

        init(_ description: String) { self.description = description }
    }
#endif
