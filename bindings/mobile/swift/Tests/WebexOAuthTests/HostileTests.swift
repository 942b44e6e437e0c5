import Foundation
import Testing
import WebexOAuth

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Stores and transports that answer nonsense: a typed error or none, never a crash, never an endless wait.
@Suite(.timeLimit(.minutes(2))) struct HostileTests {
    @Test(arguments: ["", "nonsense", "{}", #"{"version": 1}"#, #"{"version": 99999999999999999999}"#, "[[[["])
    func aStoreThatLoadsNonsenseIsARestoreError(text: String) async throws {
        let simulator = try await Simulator()
        let store = NonsenseStore(text)
        guard case .restore = try await failure({ _ = try await simulator.client(store: store) }) else {
            throw Failed("another error")
        }
    }

    @Test(arguments: ["nonsense", "{}", ""])
    func aStoreThatAlwaysHoldsSomethingElseCostsNoTokens(text: String) async throws {
        let simulator = try await Simulator()
        let store = NonsenseStore(text, loads: false)
        let (client, issued) = try await simulator.signedIn(livesFor: 0, store: store)
        let token = try await client.token().expose()
        #expect(token != issued.access)
        #expect(try await simulator.counter("refreshes_attempted") == 1)
        await client.close()
        // It is asked again now and then, and not all the time.
        #expect(store.saves < 100)
    }

    @Test func theSnapshotOfAnotherSessionDoesNotGetIn() async throws {
        let (one, two) = (try await Simulator(), try await Simulator())
        let store = MemoryStore()
        let (first, issued) = try await one.signedIn(livesFor: 3600, store: store)
        await first.close()
        guard case .restore = try await failure({ _ = try await two.client(store: store) }) else {
            throw Failed("another error")
        }
        #expect(try #require(store.load()).expose().contains(issued.refresh))
    }

    @Test(arguments: [-1, 0, 1, 99, 600, 65535, 65536, 70200, Int.max, Int.min])
    func aTransportWithAnOddStatusIsNoSuccess(status: Int) async throws {
        let simulator = try await Simulator()
        let transport = NonsenseTransport(status: status, body: Data(#"{"access_token": "x", "expires_in": 1000}"#.utf8))
        let (client, _) = try await simulator.signedIn(livesFor: 0, transport: transport)
        let error = try await failure { _ = try await client.token() }
        guard case .unavailable = error else { throw Failed("\(error)") }
        await client.close()
    }

    @Test func aTransportWithNonsenseForABodyIsAFailureOfTheServer() async throws {
        let simulator = try await Simulator()
        let nothing = Data()
        let noise = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let deep = Data(String(repeating: "[", count: 200_000).utf8)
        for body in [nothing, noise, deep, Data([0xff, 0xfe]), Data(#"{"access_token": {"a": 1}}"#.utf8), Data("null".utf8)] {
            let transport = NonsenseTransport(status: 200, body: body)
            let (client, _) = try await simulator.signedIn(livesFor: 0, transport: transport)
            guard case .unavailable(let fault, _) = try await failure({ _ = try await client.token() }) else {
                throw Failed("another error for \(body.count) bytes")
            }
            #expect(fault.summary.utf8.count < 1000)
            #expect(client.status.canRefresh)
            await client.close()
        }
    }

    @Test func aTransportWithNonsenseForHeadersIsHeard() async throws {
        let simulator = try await Simulator()
        let headers = [
            ("", ""), ("retry-after", "\u{0}"), ("Retry-After", "-9999999999999999999"), ("\r\nx", "y"), ("date", "🧨"),
            ("content-type", String(repeating: "é", count: 100_000)),
        ]
        let transport = NonsenseTransport(status: 503, headers: headers)
        let (client, _) = try await simulator.signedIn(livesFor: 0, transport: transport)
        guard case .unavailable = try await failure({ _ = try await client.token() }) else { throw Failed("another error") }
        let answer = try await client.call(URLRequest(url: #require(URL(string: "https://example.com/"))))
        #expect(answer.status == 503)
        await client.close()
    }

    @Test func aTransportThatAnswersMoreThanItMayIsRefused() async throws {
        let simulator = try await Simulator()
        let transport = NonsenseTransport(status: 200, body: Data(count: 20_000_000))
        let (client, _) = try await simulator.signedIn(livesFor: 0, transport: transport)
        guard case .unavailable(let fault, _) = try await failure({ _ = try await client.token() }) else {
            throw Failed("another error")
        }
        #expect(fault.send == .tooLarge)
        await client.close()
    }
}

/// Holds what nobody has stored there, and says so whenever something is to be stored.
private final class NonsenseStore: TokenStore, @unchecked Sendable {
    private let text: String
    private let loads: Bool
    private let lock = NSLock()
    private var count = 0

    var saves: Int { lock.withLock { count } }

    init(_ text: String, loads: Bool = true) {
        self.text = text
        self.loads = loads
    }

    func load() async throws -> Secret? {
        loads ? Secret(text: text) : nil
    }

    func save(_ put: Put) async throws -> SaveResult {
        lock.withLock { count += 1 }
        return .conflict(found: Secret(text: text))
    }

    func delete() async throws {}
}

private struct NonsenseTransport: HTTPTransport {
    let status: Int
    var headers: [(name: String, value: String)] = []
    var body = Data()

    func send(_ request: URLRequest, limits: TransportLimits) async throws -> TransportResponse {
        TransportResponse(status: status, headers: headers, body: body)
    }
}
