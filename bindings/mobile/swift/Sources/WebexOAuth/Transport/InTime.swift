// The deadline of a whole exchange, kept from outside.

import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Whatever the transport does, there is an answer in time.
func sendInTime(
    _ request: URLRequest, _ limits: TransportLimits, by transport: any HTTPTransport
) async throws -> TransportResponse {
    let race = Promise<Result<TransportResponse, any Error>>()
    let sending = Task {
        do {
            let answer = try await transport.send(request, limits: limits)
            let fits = answer.body.count <= limits.maxBody
            let tooLarge = TransportError(.tooLarge, problem: "the answer is too large")
            race.keep(fits ? .success(answer) : .failure(tooLarge))
        } catch let error as TransportError {
            race.keep(.failure(error))
        } catch {
            race.keep(.failure(TransportError(.lost, problem: "the transport failed (\(type(of: error)))")))
        }
    }
    let timing = Alarm(at: .now + limits.timeout) {
        // A process that was stopped meanwhile has a moment to read what lies there already.
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(500)) {
            race.keep(.failure(TransportError(.lost, problem: "no answer in time")))
        }
    }
    defer {
        sending.cancel()
        timing.cancel()
    }
    return try await race.value().get()
}
