// Servers by the metadata that they publish.

import Foundation
import WebexOAuthCore

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

extension Provider {
    /// The server whose issuer this is, by the metadata that it publishes (RFC 8414, OpenID Connect Discovery).
    ///
    /// Throws `ConfigError`, which says where was looked and what was there.
    public static func discover(
        issuer: String, transport: any HTTPTransport = URLSessionTransport.shared
    ) async throws -> Provider {
        var answers: [MetadataAnswer] = []
        while true {
            switch try metadataStep(issuer: issuer, answers: answers) {
            case .found(let provider): return provider
            case .fetch(let url): answers.append(await fetch(url, transport))
            }
        }
    }

    /// The server whose metadata the variables name, read from its file or fetched; `nil` where they name none.
    static func named(by variables: [String: String], transport: any HTTPTransport) async throws -> Provider? {
        guard let source = try metadataSource(variables: variables) else { return nil }
        guard let file = source.file else { return try await discover(issuer: source.issuer ?? "", transport: transport) }
        guard let document = FileManager.default.contents(atPath: file) else {
            throw unreadableMetadata(source: source, why: "it is not there, or not readable")
        }
        return try providerFromMetadataFile(source: source, document: document)
    }
}

/// For one document; there are three places at most. No server says more about itself.
private let limits = TransportLimits(timeout: .seconds(30), maxBody: 1024 * 1024, freshConnection: false)

private func fetch(_ text: String, _ transport: any HTTPTransport) async -> MetadataAnswer {
    guard let url = (try? targetUri(text: text))?.asURL else { return .failed(fault: .notSent) }
    var request = URLRequest(url: url)
    request.setValue("application/json", forHTTPHeaderField: "Accept")
    do {
        let answer = try await sendInTime(request, limits, by: transport)
        return .response(status: UInt16(clamping: answer.status), body: answer.body)
    } catch {
        return .failed(fault: (error as? TransportError)?.fault ?? .lost)
    }
}
