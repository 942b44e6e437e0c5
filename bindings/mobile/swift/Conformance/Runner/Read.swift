// From the JSON of a vector to the values of the API.

import Foundation
import JSONValue
import WebexOAuthCore

typealias Read<T> = @Sendable (JSON) throws -> T

/// A member that has to be there.
func need<T>(_ object: JSON, _ name: String, _ read: (JSON) throws -> T) throws -> T {
    guard let value = try may(object, name, read) else { throw Problem("\(name) is missing") }
    return value
}

/// A member that may be absent.
func may<T>(_ object: JSON, _ name: String, _ read: (JSON) throws -> T) throws -> T? {
    try object[name].map { value in
        do { return try read(value) } catch let problem as Problem { throw Problem("\(name): \(problem)") }
    }
}

/// A variant of an enum: its name, and its fields where it has some.
func variant(_ value: JSON) throws -> (name: String, fields: JSON) {
    if let name = value.text { return (name, .null) }
    guard let object = value.object, object.count == 1, let (name, fields) = object.first else {
        throw Problem("not a variant: \(value)")
    }
    return (name, fields)
}

/// One of the words of a plain enum.
func word<T: Sendable>(_ words: KeyValuePairs<String, T>) -> Read<T> {
    { value in
        let name = try variant(value).name
        guard let found = words.first(where: { $0.key == name }) else { throw Problem("unknown word \(name)") }
        return found.value
    }
}

/// A text, or `{"repeat": {"text", "times", "before", "after"}}` for a long one.
func text(_ value: JSON) throws -> String {
    if let text = value.text { return text }
    let long = try need(value, "repeat") { $0 }
    let (before, part, after) = (
        try may(long, "before", text) ?? "", try may(long, "text", text) ?? "", try may(long, "after", text) ?? ""
    )
    return before + String(repeating: part, count: Int(try need(long, "times", natural))) + after
}

func secret(_ value: JSON) throws -> Secret { Secret(text: try text(value)) }

func natural(_ value: JSON) throws -> UInt64 {
    guard let number = value.natural else { throw Problem("not a natural number: \(value)") }
    return number
}

func status(_ value: JSON) throws -> UInt16 {
    guard let number = UInt16(exactly: try natural(value)) else { throw Problem("too large: \(value)") }
    return number
}

func flag(_ value: JSON) throws -> Bool {
    guard let flag = value.flag else { throw Problem("neither true nor false: \(value)") }
    return flag
}

func time(_ value: JSON) throws -> Timestamp {
    guard let number = value.int else { throw Problem("not an instant: \(value)") }
    return number
}

func list<T>(_ read: @escaping Read<T>) -> Read<[T]> {
    { value in
        guard let items = value.list else { throw Problem("not a list: \(value)") }
        return try items.map(read)
    }
}

func bytes(_ value: JSON) throws -> Data {
    let digits = try text(value).map { character -> UInt8 in
        guard let digit = character.hexDigitValue else { throw Problem("not hexadecimal: \(value)") }
        return UInt8(digit)
    }
    return Data(
        stride(from: 0, to: digits.count, by: 2).map { at in
            digits[at..<min(at + 2, digits.count)].reduce(0) { $0 * 16 + $1 }
        })
}

/// The bytes in hexadecimal, or a number `n` for the bytes n, n+1, n+2, ... modulo 256.
func entropy(_ value: JSON) throws -> Entropy {
    try Entropy(bytes: randomBytes(value))
}

/// With zeros at the end where it is a number: then revisions begin with 1.
func seed(_ value: JSON) throws -> Entropy {
    let random = try randomBytes(value)
    return try Entropy(bytes: value.natural == nil ? random : random.prefix(60) + Data(count: 4))
}

private func randomBytes(_ value: JSON) throws -> Data {
    let fill = value.natural.map { fill in Data((0..<64).map { UInt8((fill + $0) % 256) }) }
    return try fill ?? bytes(value)
}

func response(_ value: JSON) throws -> HttpResponse {
    let headers = try (value["headers"]?.object ?? [:]).sorted { $0.key < $1.key }
        .map { ResponseHeader(name: $0.key, value: try text($0.value)) }
    return HttpResponse(status: try need(value, "status", status), headers: headers, body: try body(value))
}

/// Of an answer.
private func body(_ value: JSON) throws -> Data {
    try may(value, "body") { try $0["hex"].map(bytes) ?? Data(text($0).utf8) } ?? Data()
}

let flow = word(["code": Flow.code, "implicit": .implicit])
private let responseMode = word(["query": ResponseMode.query, "fragment": .fragment, "form_post": .formPost])
let sendFault = word(["not_sent": SendFault.notSent, "untrusted": .untrusted, "lost": .lost, "too_large": .tooLarge])
private let logoutVia = word(["nothing": LogoutVia.nothing, "browser": .browser, "post": .post])
private let clientAuth = word([
    "basic_form_encoded": ClientAuth.basicFormEncoded, "basic_raw": .basicRaw, "body": .body, "none": .none,
])
private let renewal = word(["grant": Renewal.grant, "host_token": .hostToken, "host_jwt": .hostJwt])
private let downscopeFailure = word(["refuse": DownscopeFailure.refuse, "use_full_token": .useFullToken])
private let leniency = word(["lenient": Leniency.lenient, "strict": .strict])
private let jwtScheme = word(["bearer": JwtScheme.bearer, "raw": .raw])

func loginOptions(_ value: JSON) throws -> LoginOptions {
    let state: Read<LoginState> = { value in
        switch try variant(value) {
        case ("json", let json): return .json(object: try text(json))
        case ("opaque", let opaque): return .opaque(text: try secret(opaque))
        case (let other, _): throw Problem("unknown state \(other)")
        }
    }
    let pair: Read<Parameter> = { value in
        let pair = try list(text)(value)
        guard pair.count == 2 else { throw Problem("not a pair") }
        return Parameter(name: pair[0], value: pair[1])
    }
    return LoginOptions(
        flow: try may(value, "flow", flow) ?? .code, scope: try may(value, "scope", text),
        state: try may(value, "state", state), prompt: try may(value, "prompt", text),
        loginHint: try may(value, "login_hint", text), email: try may(value, "email", text),
        redirectUri: try may(value, "redirect_uri", text),
        responseMode: try may(value, "response_mode", responseMode),
        extra: try may(value, "extra", list(pair)) ?? [])
}

func signOutOptions(_ value: JSON) throws -> SignOutOptions {
    SignOutOptions(
        revoke: try may(value, "revoke", flag) ?? true, logout: try may(value, "logout", logoutVia) ?? .nothing,
        goto: try may(value, "goto", text))
}

func guest(_ value: JSON) throws -> GuestJwt {
    GuestJwt(
        subject: try may(value, "subject", text), displayName: try may(value, "display_name", text),
        issuer: try need(value, "issuer", text), secret: try need(value, "secret", secret),
        lifetime: try need(value, "lifetime", lifetime))
}

func lifetime(_ value: JSON) throws -> Lifetime {
    switch try variant(value) {
    case ("seconds", let seconds): return .seconds(seconds: try time(seconds))
    case ("text", let words): return .text(text: try text(words))
    case (let other, _): throw Problem("unknown lifetime \(other)")
    }
}

private func whichLogin(_ fields: JSON) throws -> WhichLogin {
    if try may(fields, "under_way", flag) == true { return .underWay }
    return try may(fields, "of", secret).map { WhichLogin.browser(of: $0) } ?? .all
}

/// An input of the session, snapshots excepted: those may come from the store of the test.
func input(_ value: JSON, _ snapshot: (JSON) throws -> Secret) throws -> Input {
    let (name, fields) = try variant(value)
    switch name {
    case "begin_login":
        let options = try may(fields, "options", loginOptions) ?? loginOptions(.object([:]))
        return .beginLogin(options: options, entropy: try need(fields, "entropy", entropy))
    case "complete_login": return .completeLogin(callback: try need(fields, "callback", secret))
    case "cancel_login": return .cancelLogin(which: try whichLogin(fields))
    case "redeem_code":
        return .redeemCode(code: try need(fields, "code", secret), verifier: try may(fields, "verifier", secret))
    case "begin_device_login": return .beginDeviceLogin(scope: try may(fields, "scope", text))
    case "sign_in_with_jwt": return .signInWithJwt(jwt: try need(fields, "jwt", secret))
    case "sign_in_as_guest":
        return .signInAsGuest(
            serviceToken: try need(fields, "service_token", secret), subject: try need(fields, "subject", text),
            displayName: try need(fields, "display_name", text))
    case "sign_in_with_client_credentials":
        return .signInWithClientCredentials(scope: try may(fields, "scope", text))
    case "adopt": return .adopt(tokens: try need(fields, "tokens", secret))
    case "reload": return .reload(snapshot: try need(fields, "snapshot", snapshot))
    case "ensure_fresh": return .ensureFresh
    case "refresh": return .refresh
    case "token_rejected": return .tokenRejected(generation: try need(fields, "generation", natural))
    case "embargoed": return .embargoed
    case "called_without_token": return .calledWithoutToken(url: try need(fields, "url", secret))
    case "downscope": return .downscope(scope: try need(fields, "scope", text))
    case "provide_token":
        return .provideToken(id: try need(fields, "id", natural), tokens: try need(fields, "tokens", secret))
    case "provide_jwt": return .provideJwt(id: try need(fields, "id", natural), jwt: try need(fields, "jwt", secret))
    case "host_failed":
        return .hostFailed(id: try need(fields, "id", natural), reason: try need(fields, "reason", text))
    case "sign_out":
        return .signOut(options: try may(fields, "options", signOutOptions) ?? signOutOptions(.object([:])))
    case "response":
        return .response(id: try need(fields, "id", natural), response: try need(fields, "response", response))
    case "send_failed":
        return .sendFailed(id: try need(fields, "id", natural), fault: try need(fields, "fault", sendFault))
    case "tick": return .tick
    default: throw Problem("unknown input \(name)")
    }
}

/// Throws a `ConfigError` too, which is the API's own and a result to print.
func config(_ value: JSON) throws -> Config {
    try Config(parts: parts(value))
}

func parts(_ value: JSON) throws -> ConfigParts {
    let provider = try need(value, "provider", provider)
    var parts = configParts(provider: provider, clientId: try may(value, "client_id", text) ?? "")
    try layOver(&parts, value)
    return parts
}

func metadataAnswer(_ value: JSON) throws -> MetadataAnswer {
    let (name, fields) = try variant(value)
    switch name {
    case "response":
        return .response(status: try need(fields, "status", status), body: try body(fields))
    case "failed": return .failed(fault: try sendFault(fields))
    default: throw Problem("unknown answer \(name)")
    }
}

/// Sets the parts that are given.
func layOver(_ parts: inout ConfigParts, _ fields: JSON) throws {
    try set(&parts.clientId, fields, "client_id", text)
    try set(&parts.clientSecret, fields, "client_secret", secret)
    try set(&parts.redirectUri, fields, "redirect_uri", text)
    try set(&parts.scope, fields, "scope") { scopeParse(text: try text($0)) }
    try set(&parts.clientAuth, fields, "client_auth", clientAuth)
    try set(&parts.renewal, fields, "renewal", renewal)
    try set(&parts.downscopeFailure, fields, "downscope_failure", downscopeFailure)
    try set(&parts.loginLifetimeMs, fields, "login_lifetime", natural)
    try set(&parts.requestTimeoutMs, fields, "request_timeout", natural)
    try set(&parts.retryAfter, fields, "retry_after", bounds)
    try set(&parts.tokenHosts, fields, "token_hosts", list(text))
    try set(&parts.resource, fields, "resource", list(text))
    try set(&parts.accessToken, fields, "access_token", secret)
    let policy = fields["refresh"] ?? .null
    if let soon = try may(policy, "soon_permille", list(status)) {
        guard soon.count == 2 else { throw Problem("not a pair") }
        (parts.refresh.soonPermilleLow, parts.refresh.soonPermilleHigh) = (soon[0], soon[1])
    }
    try set(&parts.refresh.marginMs, policy, "margin", natural)
    try set(&parts.refresh.minIntervalMs, policy, "min_interval", natural)
    try set(&parts.refresh.backoffMs, policy, "backoff", natural)
    try set(&parts.refresh.maxBackoffMs, policy, "max_backoff", natural)
    try set(&parts.refresh.proactive, policy, "proactive", flag)
    try set(&parts.refresh.revokeSuperseded, policy, "revoke_superseded", flag)
    try set(&parts.refresh.warnBeforeReloginMs, policy, "warn_before_relogin", natural)
    try layOver(&parts.provider, fields["provider_fields"] ?? .null)
}

private func layOver(_ provider: inout Provider, _ fields: JSON) throws {
    try set(&provider.name, fields, "name", text)
    try set(&provider.issuer, fields, "issuer", text)
    try set(&provider.issuerRequired, fields, "issuer_required", flag)
    try set(&provider.authorizationEndpoint, fields, "authorization_endpoint", text)
    try set(&provider.tokenEndpoint, fields, "token_endpoint", text)
    try set(&provider.deviceAuthorizationEndpoint, fields, "device_authorization_endpoint", text)
    try set(&provider.deviceTokenEndpoint, fields, "device_token_endpoint", text)
    try set(&provider.revocationEndpoint, fields, "revocation_endpoint", text)
    try set(&provider.logoutEndpoint, fields, "logout_endpoint", text)
    try set(&provider.jwtLoginEndpoint, fields, "jwt_login_endpoint", text)
    try set(&provider.guestTokenEndpoint, fields, "guest_token_endpoint", text)
    try set(&provider.apiBase, fields, "api_base", text)
    try set(&provider.userinfoEndpoint, fields, "userinfo_endpoint", text)
    try set(&provider.catalogEndpoint, fields, "catalog_endpoint", text)
    try set(&provider.catalogHostsCarryToken, fields, "catalog_hosts_carry_token", flag)
    try set(&provider.reservedScope, fields, "reserved_scope", text)
    try set(&provider.logoutService, fields, "logout_service", text)
    try set(&provider.tokenHosts, fields, "token_hosts", list(text))
    try set(&provider.clientAuth, fields, "client_auth", clientAuth)
    try set(&provider.secretRequired, fields, "secret_required", flag)
    try set(&provider.selfContainedToken, fields, "self_contained_token", flag)
    try set(&provider.redirectUriOnRefresh, fields, "redirect_uri_on_refresh", flag)
    try set(&provider.downscope, fields, "downscope", flag)
    try set(&provider.jwtScheme, fields, "jwt_scheme", jwtScheme)
    try set(&provider.leniency, fields, "leniency", leniency)
}

private func set<T>(_ target: inout T, _ fields: JSON, _ name: String, _ read: (JSON) throws -> T) throws {
    if let value = try may(fields, name, read) { target = value }
}

private func set<T>(_ target: inout T?, _ fields: JSON, _ name: String, _ read: (JSON) throws -> T) throws {
    if let value = try may(fields, name, read) { target = value }
}

func bounds(_ value: JSON) throws -> RetryAfterBounds {
    var bounds = retryAfterBounds()
    try set(&bounds.missingMs, value, "missing", natural)
    try set(&bounds.zeroMs, value, "zero", natural)
    try set(&bounds.minimumMs, value, "minimum", natural)
    try set(&bounds.maximumMs, value, "maximum", natural)
    return bounds
}

private func provider(_ value: JSON) throws -> Provider {
    let (name, fields) = try variant(value)
    switch name {
    case "webex": return providerWebex()
    case "ciscospark": return providerCiscospark()
    case "webex_fedramp": return providerWebexFedramp()
    case "webex_idbroker": return providerWebexIdbroker()
    case "idbroker_at": return providerIdbrokerAt(base: try need(fields, "base", text))
    case "webex_at": return providerWebexAt(base: try need(fields, "base", text))
    case "custom":
        return providerCustom(
            authorizationEndpoint: try need(fields, "authorization_endpoint", text),
            tokenEndpoint: try need(fields, "token_endpoint", text))
    case "from_metadata":
        return try providerFromMetadata(
            document: Data(try need(fields, "document", text).utf8), issuer: try need(fields, "issuer", text))
    default: throw Problem("unknown provider \(name)")
    }
}
