import Foundation
import Testing
import WebexOAuth

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Servers by the metadata that they publish.
@Suite(.timeLimit(.minutes(1))) struct DiscoveryTests {
    private let issuer = "https://as.example/t"

    /// Publishes the metadata where OpenID Connect has it, and nothing else.
    private struct Publisher: HTTPTransport {
        let issuer: String

        func send(_ request: URLRequest, limits: TransportLimits) async throws -> TransportResponse {
            guard request.url?.path == "/t/.well-known/openid-configuration" else {
                return TransportResponse(status: 404, headers: [], body: Data("nothing".utf8))
            }
            let metadata = ["issuer": issuer, "token_endpoint": "https://as.example/token"]
            return TransportResponse(status: 200, headers: [], body: try JSONEncoder().encode(metadata))
        }
    }

    private func refusal(_ call: () async throws -> Void) async throws -> String {
        do {
            try await call()
        } catch let error as ConfigError {
            return "\(error)"
        }
        throw Failed("it had to be refused")
    }

    @Test func aServerIsFoundByItsIssuer() async throws {
        let simulator = try await Simulator()
        let base = simulator.base.absoluteString
        let provider = try await Provider.discover(issuer: base)
        #expect(provider.issuer == base)
        #expect(provider.tokenEndpoint.hasPrefix(base))
    }

    @Test func whereNothingIsPublishedEveryPlaceIsNamed() async throws {
        let text = try await refusal {
            _ = try await Provider.discover(issuer: "https://as.example", transport: Publisher(issuer: issuer))
        }
        #expect(text.contains("oauth-authorization-server: HTTP 404"))
        #expect(text.contains("openid-configuration: HTTP 404"))
    }

    @Test func variablesNameAnIssuer() async throws {
        let variables = ["WEBEX_CLIENT_ID": "C1", "WEBEX_ISSUER": issuer]
        let config = try await Config.make(variables: variables, transport: Publisher(issuer: issuer))
        #expect(config.parts().provider.tokenEndpoint == "https://as.example/token")
    }

    @Test func variablesNameAFile() async throws {
        let folder = try Folder()
        let metadata = #"{"issuer": "https://as.example", "token_endpoint": "https://as.example/token"}"#
        try Data(metadata.utf8).write(to: folder.file("as.json"))
        var variables = ["WEBEX_CLIENT_ID": "C1", "WEBEX_METADATA": folder.file("as.json").path]
        let config = try await Config.make(variables: variables)
        #expect(config.parts().provider.tokenEndpoint == "https://as.example/token")
        variables["WEBEX_METADATA"] = folder.file("none").path
        #expect(try await refusal { _ = try await Config.make(variables: variables) }.contains("WEBEX_METADATA"))
    }

    @Test func whatIsMissingIsToldWithItsVariable() async throws {
        let nothing = try await refusal { _ = try await Config.make(variables: [:]) }
        #expect(nothing == "client_id is missing, set WEBEX_CLIENT_ID")
        let variables = ["WEBEX_CLIENT_ID": "C1", "WEBEX_CLIENT_SECRET": "s3"]
        let client = try await AuthClient(try await Config.make(variables: variables))
        do {
            _ = try await client.beginLogin()
            throw Failed("it had to be refused")
        } catch let error as AuthError {
            #expect("\(error)".hasSuffix(": set it, or the variable WEBEX_REDIRECT_URI"))
        }
        await client.close()
    }

    /// Foundation has U+FFFD in the place of what is not UTF-8.
    @Test func aVariableThatIsNotTextIsNamedAndWhatNobodyReadsMayBeAnything() async throws {
        let known = ["WEBEX_CLIENT_ID": "C1", "LESSOPEN": "caf\u{FFFD}"]
        #expect(try await Config.make(variables: known).parts().clientId == "C1")
        for name in ["WEBEX_CLIENT_ID", "WEBEX_SERVER", "WEBEX_ISSUER", "WEBEX_METADATA", "WEBEX_SCOPE"] {
            let variables = known.merging([name: "caf\u{FFFD}"]) { $1 }
            let text = try await refusal { _ = try await Config.make(variables: variables) }
            #expect(text.contains("\(name) is not UTF-8") && !text.contains("caf"))
        }
    }
}
