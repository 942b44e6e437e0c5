import Foundation
import WebexOAuth
#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif
let base = CommandLine.arguments[1]
func post(_ path: String, _ body: String, _ timeout: Duration) async -> String {
    let begun = ContinuousClock.now
    var request = URLRequest(url: URL(string: base + path)!)
    request.httpMethod = "POST"
    request.httpBody = Data(body.utf8)
    do {
        let answer = try await URLSessionTransport.shared.send(request, limits: .init(timeout: timeout, maxBody: 1_000_000, freshConnection: true))
        return "\(answer.status) \(ContinuousClock.now - begun)"
    } catch { return "\(error) \(ContinuousClock.now - begun)" }
}
for _ in 0..<12 {
    _ = await post("/_sim/faults", #"{"fault":"slow","ms":1500,"endpoint":"echo"}"#, .seconds(5))
    let task = Task { await post("/v1/echo", "a", .seconds(5)) }
    try await Task.sleep(for: .milliseconds(300))
    task.cancel()
    print("slow", await task.value)
    print("next", await post("/v1/echo", "b", .seconds(5)))
}
