// From the values of the API to JSON. The mapping is regular, so that reflection does it: only what the README of the
// suite names as special is spelled here.

import Foundation
import JSONValue
import WebexOAuthCore

/// `nil` is left out.
func json(_ value: Any) -> JSON? {
    switch value {
    case let text as String: return .text(text)
    case let flag as Bool: return .flag(flag)
    case let number as Int64: return .number(number)
    case let number as UInt64: return JSON(number)
    case let number as any BinaryInteger: return .number(Int64(number))
    // Secrets are compared as they are.
    case let secret as Secret: return .text(secret.expose())
    case let token as AccessToken: return .text(token.exposeHeader())
    case let tokens as TokenSet: return tokenSet(tokens)
    case let config as Config: return configuration(config)
    case let services as Services: return ["read_at": json(services.readAt()), "services": json(services.all())]
    case let request as HttpRequest: return httpRequest(request)
    case let fault as Fault: return members(fault).without("summary")
    case let policy as RefreshPolicy: return refreshPolicy(policy)
    case SignInReason.signedOut(let reason): return ["signed_out": json(reason)]
    case CallbackOutcome.code(let code): return ["code": json(code)]
    case CallbackOutcome.tokens(let tokens): return ["tokens": json(tokens)]
    case CallbackOutcome.failed(let fault): return ["failed": json(fault)]
    default: break
    }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional: return mirror.children.first.flatMap { json($0.value) }
    case .collection: return .list(mirror.children.compactMap { json($0.value) })
    case .struct, .tuple: return members(value)
    case .enum:
        guard let (name, fields) = mirror.children.first else { return .text(snake("\(value)")) }
        return [snake(name ?? ""): members(fields)]
    default: fatalError("no mapping for \(type(of: value))")
    }
}

private func members(_ value: Any) -> JSON {
    var object: [String: JSON] = [:]
    for (name, value) in Mirror(reflecting: value).children {
        object[snake(name ?? "")] = json(value)
    }
    return .object(object)
}

private func tokenSet(_ tokens: TokenSet) -> JSON {
    [
        "access_token": json(tokens.accessToken() as Any),
        "refresh_token": json(tokens.refreshToken() as Any),
        "id_token": json(tokens.idToken() as Any),
        "scope": json(tokens.scope() as Any),
        "received_at": json(tokens.receivedAt()),
        "expires_at": json(tokens.expiresAt() as Any),
        "refresh_token_expires_at": json(tokens.refreshTokenExpiresAt() as Any),
        "custom": json(tokens.custom()),
    ]
}

private func httpRequest(_ request: HttpRequest) -> JSON {
    let headers = request.headers.map { ($0.name, JSON.text($0.value.expose())) }
    return [
        "id": json(request.id),
        "purpose": json(request.purpose),
        "is_grant": json(request.isGrant),
        "method": json(request.method),
        "url": json(request.url),
        "target": json(request.target),
        "headers": .object(Dictionary(headers) { $1 }),
        "body": json(request.body),
        "hints": [
            "timeout": json(request.timeoutMs),
            "max_response_bytes": json(request.maxResponseBytes),
            "follow_redirects": json(request.followRedirects),
            "idempotent": json(request.idempotent),
        ],
    ]
}

private func refreshPolicy(_ policy: RefreshPolicy) -> JSON {
    members(policy)
        .without("soon_permille_low").without("soon_permille_high")
        .with("soon_permille", [json(policy.soonPermilleLow) ?? .null, json(policy.soonPermilleHigh) ?? .null])
}

/// The parts of a configuration; `client_auth` is the one that applies.
private func configuration(_ config: Config) -> JSON {
    members(config.parts()).with("client_auth", json(config.clientAuth()))
}

/// `refreshTokenExpiresAt`, `NewerVersion` and `timeoutMs` as they are called in the suite.
private func snake(_ name: String) -> String {
    var out = ""
    for character in name {
        if character.isUppercase && !out.isEmpty { out += "_" }
        out += character.lowercased()
    }
    return out.hasSuffix("_ms") ? String(out.dropLast(3)) : out
}

extension JSON {
    func with(_ name: String, _ value: JSON?) -> JSON {
        var members = object ?? [:]
        members[name] = value
        return .object(members)
    }

    func without(_ name: String) -> JSON { with(name, nil) }

    /// With the members of another.
    func and(_ other: JSON) -> JSON {
        .object((object ?? [:]).merging(other.object ?? [:]) { $1 })
    }
}
