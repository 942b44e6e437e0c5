package io.github.webexoauth.conformance

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.node.NullNode
import io.github.webexoauth.ClientAuth
import io.github.webexoauth.Config
import io.github.webexoauth.ConfigParts
import io.github.webexoauth.DownscopeFailure
import io.github.webexoauth.Entropy
import io.github.webexoauth.Flow
import io.github.webexoauth.GuestJwt
import io.github.webexoauth.HttpResponse
import io.github.webexoauth.Input
import io.github.webexoauth.JwtScheme
import io.github.webexoauth.Leniency
import io.github.webexoauth.Lifetime
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.LoginState
import io.github.webexoauth.LogoutVia
import io.github.webexoauth.MetadataAnswer
import io.github.webexoauth.Parameter
import io.github.webexoauth.Provider
import io.github.webexoauth.RefreshPolicy
import io.github.webexoauth.Renewal
import io.github.webexoauth.ResponseHeader
import io.github.webexoauth.ResponseMode
import io.github.webexoauth.RetryAfterBounds
import io.github.webexoauth.Secret
import io.github.webexoauth.SendFault
import io.github.webexoauth.SignOutOptions
import io.github.webexoauth.WhichLogin
import io.github.webexoauth.configParts
import io.github.webexoauth.providerCiscospark
import io.github.webexoauth.providerCustom
import io.github.webexoauth.providerFromMetadata
import io.github.webexoauth.providerIdbrokerAt
import io.github.webexoauth.providerWebex
import io.github.webexoauth.providerWebexAt
import io.github.webexoauth.providerWebexFedramp
import io.github.webexoauth.providerWebexIdbroker
import io.github.webexoauth.retryAfterBounds
import io.github.webexoauth.scopeParse

// From the JSON of a vector to the values of the API.

/** A member that has to be there. */
fun <T> need(value: JsonNode, name: String, read: (JsonNode) -> T): T =
    may(value, name, read) ?: throw Problem("$name is missing")

/** A member that may be absent. */
fun <T> may(value: JsonNode, name: String, read: (JsonNode) -> T): T? = value[name]?.let {
    try {
        read(it)
    } catch (problem: Problem) {
        throw Problem("$name: ${problem.message}")
    }
}

/** A variant of an enum: its name, and its fields where it has some. */
fun variant(value: JsonNode): Pair<String, JsonNode> {
    if (value.isTextual) return value.asText() to NullNode.instance
    val (name, fields) = value.properties().singleOrNull() ?: throw Problem("not a variant: $value")
    return name to fields
}

/** One of the words of a plain enum. */
inline fun <reified T : Enum<T>> word(): (JsonNode) -> T = { value ->
    val name = variant(value).first
    enumValues<T>().find { it.name.lowercase() == name } ?: throw Problem("unknown word $name")
}

/** A text, or `{"repeat": {"text", "times", "before", "after"}}` for a long one. */
fun text(value: JsonNode): String {
    if (value.isTextual) return value.asText()
    val long = need(value, "repeat") { it }
    fun part(name: String) = may(long, name, ::text).orEmpty()
    return part("before") + part("text").repeat(need(long, "times", ::natural).toInt()) + part("after")
}

fun secret(value: JsonNode) = Secret(text(value))

fun natural(value: JsonNode): ULong =
    value.takeIf { it.isIntegralNumber }?.asText()?.toULongOrNull() ?: throw Problem("not a natural number: $value")

fun status(value: JsonNode): UShort = value.asText().toUShortOrNull() ?: throw Problem("too large: $value")

fun flag(value: JsonNode): Boolean = if (value.isBoolean) value.asBoolean() else throw Problem("neither true nor false: $value")

fun time(value: JsonNode): Long =
    if (value.canConvertToLong() && value.isIntegralNumber) value.asLong() else throw Problem("not an instant: $value")

fun <T> list(read: (JsonNode) -> T): (JsonNode) -> List<T> = { value ->
    if (value.isArray) value.map(read) else throw Problem("not a list: $value")
}

fun bytes(value: JsonNode): ByteArray =
    text(value).chunked(2) { it.toString().toUByteOrNull(16)?.toByte() ?: throw Problem("not hexadecimal: $value") }
        .toByteArray()

/** The bytes in hexadecimal, or a number `n` for the bytes n, n+1, n+2, ... modulo 256. */
fun entropy(value: JsonNode): Entropy = Entropy(randomBytes(value))

/** With zeros at the end where it is a number: then revisions begin with 1. */
fun seed(value: JsonNode): Entropy = Entropy(randomBytes(value).also { if (value.isNumber) it.fill(0, fromIndex = 60) })

private fun randomBytes(value: JsonNode): ByteArray =
    if (value.isNumber) ByteArray(64) { (value.asInt() + it).toByte() } else bytes(value)

fun response(value: JsonNode): HttpResponse {
    val headers = value["headers"]?.properties().orEmpty().map { (name, value) -> ResponseHeader(name, text(value)) }
    return HttpResponse(need(value, "status", ::status), headers, body(value))
}

/** Of an answer. */
private fun body(value: JsonNode): ByteArray =
    may(value, "body") { it["hex"]?.let(::bytes) ?: text(it).toByteArray() } ?: ByteArray(0)

val flow = word<Flow>()

fun loginOptions(value: JsonNode): LoginOptions {
    fun state(value: JsonNode): LoginState = variant(value).let { (name, given) ->
        when (name) {
            "json" -> LoginState.Json(text(given))
            "opaque" -> LoginState.Opaque(secret(given))
            else -> throw Problem("unknown state $name")
        }
    }
    fun pair(value: JsonNode): Parameter = list(::text)(value).let { (name, value) -> Parameter(name, value) }
    return LoginOptions(
        flow = may(value, "flow", flow) ?: Flow.CODE, scope = may(value, "scope", ::text),
        state = may(value, "state", ::state), prompt = may(value, "prompt", ::text),
        loginHint = may(value, "login_hint", ::text), email = may(value, "email", ::text),
        redirectUri = may(value, "redirect_uri", ::text), responseMode = may(value, "response_mode", word<ResponseMode>()),
        extra = may(value, "extra", list(::pair)).orEmpty(),
    )
}

fun signOutOptions(value: JsonNode) = SignOutOptions(
    revoke = may(value, "revoke", ::flag) ?: true, logout = may(value, "logout", word<LogoutVia>()) ?: LogoutVia.NOTHING,
    goto = may(value, "goto", ::text),
)

fun guest(value: JsonNode) = GuestJwt(
    subject = may(value, "subject", ::text), displayName = may(value, "display_name", ::text),
    issuer = need(value, "issuer", ::text), secret = need(value, "secret", ::secret),
    lifetime = need(value, "lifetime", ::lifetime),
)

fun lifetime(value: JsonNode): Lifetime = variant(value).let { (name, given) ->
    when (name) {
        "seconds" -> Lifetime.Seconds(time(given))
        "text" -> Lifetime.Text(text(given))
        else -> throw Problem("unknown lifetime $name")
    }
}

private fun whichLogin(fields: JsonNode): WhichLogin = when {
    may(fields, "under_way", ::flag) == true -> WhichLogin.UnderWay
    else -> may(fields, "of", ::secret)?.let { WhichLogin.Browser(it) } ?: WhichLogin.All
}

/** An input of the session, snapshots excepted: those may come from the store of the test. */
fun input(value: JsonNode, snapshot: (JsonNode) -> Secret): Input {
    val (name, fields) = variant(value)
    fun secretOf(name: String) = need(fields, name, ::secret)
    fun textOf(name: String) = need(fields, name, ::text)
    fun id() = need(fields, "id", ::natural)
    return when (name) {
        "begin_login" -> Input.BeginLogin(
            may(fields, "options", ::loginOptions) ?: loginOptions(NullNode.instance), need(fields, "entropy", ::entropy),
        )
        "complete_login" -> Input.CompleteLogin(secretOf("callback"))
        "cancel_login" -> Input.CancelLogin(whichLogin(fields))
        "redeem_code" -> Input.RedeemCode(secretOf("code"), may(fields, "verifier", ::secret))
        "begin_device_login" -> Input.BeginDeviceLogin(may(fields, "scope", ::text))
        "sign_in_with_jwt" -> Input.SignInWithJwt(secretOf("jwt"))
        "sign_in_as_guest" -> Input.SignInAsGuest(secretOf("service_token"), textOf("subject"), textOf("display_name"))
        "sign_in_with_client_credentials" -> Input.SignInWithClientCredentials(may(fields, "scope", ::text))
        "adopt" -> Input.Adopt(secretOf("tokens"))
        "reload" -> Input.Reload(need(fields, "snapshot", snapshot))
        "ensure_fresh" -> Input.EnsureFresh
        "refresh" -> Input.Refresh
        "token_rejected" -> Input.TokenRejected(need(fields, "generation", ::natural))
        "embargoed" -> Input.Embargoed
        "called_without_token" -> Input.CalledWithoutToken(secretOf("url"))
        "downscope" -> Input.Downscope(textOf("scope"))
        "provide_token" -> Input.ProvideToken(id(), secretOf("tokens"))
        "provide_jwt" -> Input.ProvideJwt(id(), secretOf("jwt"))
        "host_failed" -> Input.HostFailed(id(), textOf("reason"))
        "sign_out" -> Input.SignOut(may(fields, "options", ::signOutOptions) ?: signOutOptions(NullNode.instance))
        "response" -> Input.Response(id(), need(fields, "response", ::response))
        "send_failed" -> Input.SendFailed(id(), need(fields, "fault", word<SendFault>()))
        "tick" -> Input.Tick
        else -> throw Problem("unknown input $name")
    }
}

/** Throws a `ConfigException` too, which is the API's own and a result to print. */
fun config(value: JsonNode) = Config(parts(value))

fun parts(value: JsonNode): ConfigParts =
    configParts(need(value, "provider", ::provider), may(value, "client_id", ::text).orEmpty()).with(value)

/** With the parts that are given. */
fun ConfigParts.with(fields: JsonNode) = copy(
    provider = provider.with(fields["provider_fields"] ?: NullNode.instance),
    clientId = may(fields, "client_id", ::text) ?: clientId,
    clientSecret = may(fields, "client_secret", ::secret) ?: clientSecret,
    redirectUri = may(fields, "redirect_uri", ::text) ?: redirectUri,
    scope = may(fields, "scope") { scopeParse(text(it)) } ?: scope,
    clientAuth = may(fields, "client_auth", word<ClientAuth>()) ?: clientAuth,
    renewal = may(fields, "renewal", word<Renewal>()) ?: renewal,
    refresh = refresh.with(fields["refresh"] ?: NullNode.instance),
    downscopeFailure = may(fields, "downscope_failure", word<DownscopeFailure>()) ?: downscopeFailure,
    loginLifetimeMs = may(fields, "login_lifetime", ::natural) ?: loginLifetimeMs,
    requestTimeoutMs = may(fields, "request_timeout", ::natural) ?: requestTimeoutMs,
    retryAfter = may(fields, "retry_after", ::bounds) ?: retryAfter,
    tokenHosts = may(fields, "token_hosts", list(::text)) ?: tokenHosts,
    resource = may(fields, "resource", list(::text)) ?: resource,
    accessToken = may(fields, "access_token", ::secret) ?: accessToken,
)

fun metadataAnswer(value: JsonNode): MetadataAnswer {
    val (name, fields) = variant(value)
    return when (name) {
        "response" -> MetadataAnswer.Response(need(fields, "status", ::status), body(fields))
        "failed" -> MetadataAnswer.Failed(word<SendFault>()(fields))
        else -> throw Problem("unknown answer $name")
    }
}

private fun RefreshPolicy.with(fields: JsonNode): RefreshPolicy {
    val soon = may(fields, "soon_permille", list(::status))
    return copy(
        soonPermilleLow = soon?.first() ?: soonPermilleLow,
        soonPermilleHigh = soon?.last() ?: soonPermilleHigh,
        marginMs = may(fields, "margin", ::natural) ?: marginMs,
        minIntervalMs = may(fields, "min_interval", ::natural) ?: minIntervalMs,
        backoffMs = may(fields, "backoff", ::natural) ?: backoffMs,
        maxBackoffMs = may(fields, "max_backoff", ::natural) ?: maxBackoffMs,
        proactive = may(fields, "proactive", ::flag) ?: proactive,
        revokeSuperseded = may(fields, "revoke_superseded", ::flag) ?: revokeSuperseded,
        warnBeforeReloginMs = may(fields, "warn_before_relogin", ::natural) ?: warnBeforeReloginMs,
    )
}

private fun Provider.with(fields: JsonNode): Provider {
    fun textOf(name: String) = may(fields, name, ::text)
    fun flagOf(name: String) = may(fields, name, ::flag)
    return copy(
        name = textOf("name") ?: name,
        issuer = textOf("issuer") ?: issuer,
        issuerRequired = flagOf("issuer_required") ?: issuerRequired,
        authorizationEndpoint = textOf("authorization_endpoint") ?: authorizationEndpoint,
        tokenEndpoint = textOf("token_endpoint") ?: tokenEndpoint,
        deviceAuthorizationEndpoint = textOf("device_authorization_endpoint") ?: deviceAuthorizationEndpoint,
        deviceTokenEndpoint = textOf("device_token_endpoint") ?: deviceTokenEndpoint,
        revocationEndpoint = textOf("revocation_endpoint") ?: revocationEndpoint,
        logoutEndpoint = textOf("logout_endpoint") ?: logoutEndpoint,
        jwtLoginEndpoint = textOf("jwt_login_endpoint") ?: jwtLoginEndpoint,
        guestTokenEndpoint = textOf("guest_token_endpoint") ?: guestTokenEndpoint,
        apiBase = textOf("api_base") ?: apiBase,
        userinfoEndpoint = textOf("userinfo_endpoint") ?: userinfoEndpoint,
        catalogEndpoint = textOf("catalog_endpoint") ?: catalogEndpoint,
        catalogHostsCarryToken = flagOf("catalog_hosts_carry_token") ?: catalogHostsCarryToken,
        reservedScope = textOf("reserved_scope") ?: reservedScope,
        logoutService = textOf("logout_service") ?: logoutService,
        tokenHosts = may(fields, "token_hosts", list(::text)) ?: tokenHosts,
        clientAuth = may(fields, "client_auth", word<ClientAuth>()) ?: clientAuth,
        secretRequired = flagOf("secret_required") ?: secretRequired,
        selfContainedToken = flagOf("self_contained_token") ?: selfContainedToken,
        redirectUriOnRefresh = flagOf("redirect_uri_on_refresh") ?: redirectUriOnRefresh,
        downscope = flagOf("downscope") ?: downscope,
        jwtScheme = may(fields, "jwt_scheme", word<JwtScheme>()) ?: jwtScheme,
        leniency = may(fields, "leniency", word<Leniency>()) ?: leniency,
    )
}

fun bounds(value: JsonNode): RetryAfterBounds = retryAfterBounds().run {
    copy(
        missingMs = may(value, "missing", ::natural) ?: missingMs,
        zeroMs = may(value, "zero", ::natural) ?: zeroMs,
        minimumMs = may(value, "minimum", ::natural) ?: minimumMs,
        maximumMs = may(value, "maximum", ::natural) ?: maximumMs,
    )
}

private fun provider(value: JsonNode): Provider {
    val (name, fields) = variant(value)
    fun one(name: String) = need(fields, name, ::text)
    return when (name) {
        "webex" -> providerWebex()
        "ciscospark" -> providerCiscospark()
        "webex_fedramp" -> providerWebexFedramp()
        "webex_idbroker" -> providerWebexIdbroker()
        "idbroker_at" -> providerIdbrokerAt(one("base"))
        "webex_at" -> providerWebexAt(one("base"))
        "custom" -> providerCustom(one("authorization_endpoint"), one("token_endpoint"))
        "from_metadata" -> providerFromMetadata(one("document").toByteArray(), one("issuer"))
        else -> throw Problem("unknown provider $name")
    }
}
