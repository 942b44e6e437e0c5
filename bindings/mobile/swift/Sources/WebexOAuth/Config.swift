import Foundation
import WebexOAuthCore

extension Provider {
    /// Webex for integrations.
    public static var webex: Provider { providerWebex() }

    /// Webex for government.
    public static var webexFedRAMP: Provider { providerWebexFedramp() }

    /// The identity broker itself.
    public static var webexIdbroker: Provider { providerWebexIdbroker() }

    /// A server with Webex's paths at another base: a simulator, a proxy.
    public static func webex(at base: URL) -> Provider { webex(at: base.absoluteString) }

    /// The same for a base as it is written: one that others may read as another host is a `ConfigError` of the
    /// configuration.
    public static func webex(at base: String) -> Provider { providerWebexAt(base: base) }

    /// Any RFC 6749 server.
    public static func custom(authorizationEndpoint: URL, tokenEndpoint: URL) -> Provider {
        providerCustom(
            authorizationEndpoint: authorizationEndpoint.absoluteString, tokenEndpoint: tokenEndpoint.absoluteString)
    }

    /// From the metadata that a server publishes (RFC 8414), fetched from below `issuer`.
    public static func metadata(_ document: Data, issuer: URL) throws -> Provider {
        try providerFromMetadata(document: document, issuer: issuer.absoluteString)
    }
}

extension Config {
    /// A configuration; `change` is for everything that has a default. Throws `ConfigError`, which names the field.
    public static func make(
        provider: Provider = .webex,
        clientID: String,
        clientSecret: String? = nil,
        redirectURI: String? = nil,
        scope: Scope = "",
        change: (inout ConfigParts) -> Void = { _ in }
    ) throws -> Config {
        var parts = configParts(provider: provider, clientId: clientID)
        parts.clientSecret = clientSecret.map { Secret(text: $0) }
        parts.redirectUri = redirectURI
        parts.scope = scope
        change(&parts)
        return try Config(parts: parts)
    }

    /// From the authorization URL that the developer portal shows.
    public static func make(
        authorizationURL: String,
        change: (inout ConfigParts) -> Void = { _ in }
    ) throws -> Config {
        var parts = try configPartsFromAuthorizationUrl(text: authorizationURL)
        change(&parts)
        return try Config(parts: parts)
    }

    /// From named variables, the process's environment unless said otherwise: `WEBEX_CLIENT_ID` and its relatives. The
    /// metadata of `WEBEX_ISSUER` is fetched, that of `WEBEX_METADATA` read from its file.
    public static func make(
        variables: [String: String] = ProcessInfo.processInfo.environment,
        transport: any HTTPTransport = URLSessionTransport.shared,
        change: (inout ConfigParts) -> Void = { _ in }
    ) async throws -> Config {
        var parts: ConfigParts
        if let provider = try await Provider.named(by: variables, transport: transport) {
            parts = try configPartsFromVariablesAt(provider: provider, variables: variables, legacy: false)
        } else {
            parts = try configPartsFromVariables(variables: variables, legacy: false)
        }
        change(&parts)
        return try Config.fromVariables(parts: parts)
    }
}

/// Flow, scope, state and hints of one login.
public struct LoginOptions: Sendable {
    /// Code, unless there is no way to redeem one.
    public var flow: Flow = .code
    /// The configured one where `nil`.
    public var scope: Scope?
    /// What to find again in the callback.
    public var state: LoginState?
    /// `select_account`, `none`, ...
    public var prompt: String?
    /// Who is expected to sign in.
    public var loginHint: String?
    /// Webex: sent as a hash only.
    public var email: String?
    /// Another one than configured.
    public var redirectURI: String?
    /// How the answer comes back.
    public var responseMode: ResponseMode?
    /// Further parameters.
    public var extra: [Parameter] = []

    public init(flow: Flow = .code, scope: Scope? = nil) {
        self.flow = flow
        self.scope = scope
    }

    var core: WebexOAuthCore.LoginOptions {
        WebexOAuthCore.LoginOptions(
            flow: flow, scope: scope, state: state, prompt: prompt, loginHint: loginHint, email: email,
            redirectUri: redirectURI, responseMode: responseMode, extra: extra)
    }
}

/// What signing out does beyond forgetting the tokens.
public struct SignOutOptions: Sendable {
    /// Revoke the tokens, where the server can.
    public var revoke: Bool
    /// How to end the session at the identity provider.
    public var logout: LogoutVia
    /// Where the browser goes afterwards. Where `nil`, the redirect URI at Webex, the server's own page elsewhere.
    public var goto: String?

    public init(revoke: Bool = true, logout: LogoutVia = .nothing, goto: String? = nil) {
        self.revoke = revoke
        self.logout = logout
        self.goto = goto
    }

    var core: WebexOAuthCore.SignOutOptions {
        WebexOAuthCore.SignOutOptions(revoke: revoke, logout: logout, goto: goto)
    }
}
