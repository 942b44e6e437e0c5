// The vectors of pure functions: one call each.

import Foundation
import JSONValue
import WebexOAuthCore

/// `{"value": ...}`, or nothing where the function answers that there is nothing.
private func value(_ value: Any?) -> JSON {
    ["value": value.flatMap { json($0) }]
}

private func error(_ error: Any) -> JSON {
    ["error": json(error)]
}

/// Calls the function that the input names. `config` is the group's.
func call(_ kind: String, _ input: JSON, _ config: JSON?) throws -> JSON {
    let (name, given) = try variant(input)
    do {
        return try call(kind, name, given, config)
    } catch let problem as Problem {
        throw problem
    } catch AdoptError.NoTokens(let problem) {
        return error(problem)
    } catch let problem {
        // An error of the API's own is a result.
        return error(problem)
    }
}

private func call(_ kind: String, _ name: String, _ given: JSON, _ config: JSON?) throws -> JSON {
    switch (kind, name) {
    case ("authorize_url", "authorize_url"): return value(try authorize(given))
    case ("authorize_url", "email_hash"): return value(emailHash(email: try need(given, "email", text)))
    case ("authorize_url", "encode_state"): return value(try encodeState(json: need(given, "json", text)))
    case ("authorize_url", "caller_part"): return value(callerPart(state: try need(given, "state", text)))
    case ("callback", "read"): return try callback(given)
    case ("callback", "clean_url"): return value(cleanUrl(url: try need(given, "url", text)))
    case ("token_response", "read_answer"):
        let answer = readAnswer(
            response: try need(given, "response", response), now: try need(given, "now", time),
            strict: try may(given, "strict", flag) ?? false)
        switch answer {
        case .granted(let read): return value(read)
        case .refused(let fault): return error(fault)
        }
    case ("pkce", "challenge"): return value(pkceChallenge(verifier: try need(given, "verifier", text)))
    case ("pkce", "is_verifier"): return value(pkceIsVerifier(verifier: try need(given, "verifier", text)))
    case ("entropy", "new"):
        _ = try Entropy(bytes: need(given, "bytes", bytes))
        return value("ok")
    case ("jwt", "guest_jwt"):
        return value(
            try guestJwt(
                guest: need(given, "guest", guest), now: need(given, "now", time),
                entropy: need(given, "entropy", entropy)))
    case ("jwt", "lifetime_seconds"): return value(try lifetimeSeconds(lifetime: need(given, "lifetime", lifetime)))
    case ("scope", _): return try scope(name, given)
    case ("retry_after", "retry_after"):
        return value(
            retryAfterMs(
                header: try may(given, "header", text), now: try need(given, "now", time),
                bounds: try may(given, "bounds", bounds) ?? retryAfterBounds()))
    case ("snapshot", "restore"):
        let session = try Session.restore(config: groupConfig(config), snapshot: need(given, "snapshot", secret))
        return ["value": queries(session, try need(given, "now", time))]
    case ("snapshot", "snapshot_revision"):
        return value(try snapshotRevision(snapshot: need(given, "snapshot", secret)))
    case ("config", _): return try configuration(name, given)
    case ("org", "org_id_of_token"): return value(try orgIdOfToken(token: need(given, "token", text)))
    case ("org", "org_id_of_code"): return value(orgIdOfCode(code: try need(given, "code", text)))
    case ("org", "is_guest"): return value(isGuestToken(token: try need(given, "token", text)))
    case ("org", "claims"): return value(jwtClaims(jwt: try need(given, "jwt", text)))
    case ("adopt", "read"): return value(try readTokens(text: need(given, "text", text), now: need(given, "now", time)))
    case ("adopt", "to_handoff_json"), ("adopt", "to_handoff_query"):
        let tokens = try readTokens(text: need(given, "text", text), now: need(given, "received_at", time)).tokens
        let (now, all) = (try need(given, "now", time), try need(given, "with_refresh_token", flag))
        return value(
            name == "to_handoff_json"
                ? tokens.toHandoffJson(now: now, withRefreshToken: all)
                : tokens.toHandoffQuery(now: now, withRefreshToken: all))
    case ("device", "webex_qr_url"):
        return value(
            webexQrUrl(
                verificationUriComplete: try need(given, "verification_uri_complete", text),
                oauthHelper: try need(given, "oauth_helper", text)))
    case ("device", "shown_url"): return value(shownUrl(text: try need(given, "text", text)))
    case ("device", "clean_text"):
        let secrets = try may(given, "secrets", list(secret)) ?? []
        return value(cleanText(text: try need(given, "text", text), secrets: secrets))
    case ("api", "judge"):
        return value(
            try groupConfig(config).judge(
                now: need(given, "now", time), status: need(given, "status", status),
                retryAfter: may(given, "retry_after", text)))
    case ("api", "judge_url"): return value(try groupConfig(config).judgeUrl(url: need(given, "url", text)))
    case ("api", "target_uri"): return value(try targetUri(text: need(given, "text", text)))
    case ("api", "catalog_url"): return value(try groupConfig(config).catalogUrl())
    case ("api", "read_services"): return value(try services(given))
    case ("api", "services_may_carry_token"):
        let known = try groupConfig(config).withServices(services: services(given))
        return value(known.mayCarryToken(url: try need(given, "url", text)))
    case ("api", "may_carry_token"): return value(try groupConfig(config).mayCarryToken(url: need(given, "url", text)))
    default: throw Problem("unknown function \(name) of kind \(kind)")
    }
}

func groupConfig(_ value: JSON?) throws -> Config {
    guard let value else { throw Problem("the group has no config") }
    do { return try config(value) } catch let error as ConfigError { throw Problem("the group's config: \(error)") }
}

private func services(_ given: JSON) throws -> Services {
    try Services.read(
        now: may(given, "now", time) ?? 0, status: may(given, "status", status) ?? 200,
        body: Data(try need(given, "body", text).utf8))
}

private func authorize(_ given: JSON) throws -> String {
    authorizeUrl(
        request: AuthorizeRequest(
            endpoint: try need(given, "endpoint", text), clientId: try need(given, "client_id", text),
            redirectUri: try need(given, "redirect_uri", text), scope: try may(given, "scope", text) ?? "",
            state: try may(given, "state", text), codeChallenge: try may(given, "code_challenge", text),
            emailHash: try may(given, "email_hash", text), options: try may(given, "options", loginOptions)))
}

private func callback(_ given: JSON) throws -> JSON {
    let expected = try need(given, "expected") { $0 }
    let read = readCallback(
        text: try need(given, "text", text),
        expected: ExpectedCallback(
            flow: try need(expected, "flow", flow), redirectUri: try need(expected, "redirect_uri", text),
            state: try need(expected, "state", secret), issuer: try may(expected, "issuer", text),
            issuerRequired: try may(expected, "issuer_required", flag) ?? false),
        now: try need(given, "now", time))
    return read.ignored.map(error) ?? value(read)
}

private func scope(_ name: String, _ given: JSON) throws -> JSON {
    let one = { try need(given, $0, text) }
    switch name {
    case "parse": return value(scopeParse(text: try one("text")))
    case "contains": return value(scopeContains(scope: try one("scope"), token: try one("token")))
    case "is_subset_of": return value(scopeIsSubset(scope: try one("scope"), other: try one("other")))
    case "minus": return value(scopeMinus(scope: try one("scope"), other: try one("other")))
    case "intersection": return value(scopeIntersection(scope: try one("scope"), other: try one("other")))
    case "union": return value(scopeUnion(scope: try one("scope"), other: try one("other")))
    case "between": return value(scopeDelta(requested: try one("requested"), granted: try one("granted")))
    default: throw Problem("unknown function \(name) of kind scope")
    }
}

private func fromVariables(_ given: JSON) throws -> ConfigParts {
    let variables = try need(given, "variables") { try ($0.object ?? [:]).mapValues(text) }
    let legacy = try may(given, "legacy", flag) ?? false
    guard let document = try may(given, "metadata", text) else {
        return try configPartsFromVariables(variables: variables, legacy: legacy)
    }
    guard let source = try metadataSource(variables: variables) else { throw Problem("no variable names metadata") }
    let provider = try providerFromMetadataFile(source: source, document: Data(document.utf8))
    return try configPartsFromVariablesAt(provider: provider, variables: variables, legacy: legacy)
}

private func configuration(_ name: String, _ given: JSON) throws -> JSON {
    var parts: ConfigParts
    switch name {
    case "build": return ["value": json(try need(given, "config", config))]
    case "from_authorization_url": parts = try configPartsFromAuthorizationUrl(text: need(given, "text", text))
    case "apply_authorization_url":
        parts = try configPartsWithAuthorizationUrl(
            parts: need(given, "config", parts(_:)), text: need(given, "text", text))
    case "from_variables":
        parts = try fromVariables(given)
        try layOver(&parts, given["with"] ?? .null)
        return ["value": json(try Config.fromVariables(parts: parts))]
    case "metadata_step":
        let answers = try need(given, "answers", list(metadataAnswer))
        return value(try metadataStep(issuer: need(given, "issuer", text), answers: answers))
    case "from_metadata":
        let document = Data(try need(given, "document", text).utf8)
        let provider = try providerFromMetadata(document: document, issuer: need(given, "issuer", text))
        parts = configParts(provider: provider, clientId: "")
    default: throw Problem("unknown function \(name) of kind config")
    }
    try layOver(&parts, given["with"] ?? .null)
    return ["value": json(try Config(parts: parts))]
}
