package io.github.webexoauth.conformance

import com.fasterxml.jackson.databind.JsonNode
import io.github.webexoauth.AccessToken
import io.github.webexoauth.CallbackOutcome
import io.github.webexoauth.Config
import io.github.webexoauth.Fault
import io.github.webexoauth.HttpRequest
import io.github.webexoauth.RefreshPolicy
import io.github.webexoauth.Secret
import io.github.webexoauth.Services
import io.github.webexoauth.SignInReason
import io.github.webexoauth.TokenSet
import java.util.concurrent.ConcurrentHashMap
import kotlin.reflect.KClass
import kotlin.reflect.KProperty1
import kotlin.reflect.full.declaredMemberProperties

// From the values of the API to JSON. The mapping is regular, so that reflection does it: only what the README of the
// suite names as special is spelled here.

/** What Jackson can write. `null` is left out where it is a member. */
fun json(value: Any?): Any? = when (value) {
    null, is String, is Boolean, is Long, is Int, is JsonNode -> value
    is ULong -> value.toString().toBigInteger()
    is UInt -> value.toLong()
    is UShort -> value.toInt()
    is Enum<*> -> value.name.lowercase()
    is List<*> -> value.map(::json)
    // Secrets are compared as they are.
    is Secret -> value.expose()
    is AccessToken -> value.exposeHeader()
    is TokenSet -> tokenSet(value)
    is Config -> members(value.parts()) + ("client_auth" to json(value.clientAuth()))
    is Services -> mapOf("read_at" to value.readAt(), "services" to json(value.all()))
    is HttpRequest -> httpRequest(value)
    is Fault -> members(value) - "summary"
    is RefreshPolicy -> members(value) - setOf("soon_permille_low", "soon_permille_high") +
        ("soon_permille" to listOf(json(value.soonPermilleLow), json(value.soonPermilleHigh)))
    is SignInReason.SignedOut -> mapOf("signed_out" to json(value.reason))
    is CallbackOutcome.Code -> mapOf("code" to json(value.code))
    is CallbackOutcome.Tokens -> mapOf("tokens" to json(value.tokens))
    is CallbackOutcome.Failed -> mapOf("failed" to json(value.fault))
    else -> if (isVariant(value)) variant(value) else members(value)
}

/** Only what is there. */
fun some(vararg members: Pair<String, Any?>): Map<String, Any?> =
    members.filter { it.second != null }.associate { (name, value) -> name to json(value) }

private fun isVariant(value: Any) = value.javaClass.superclass != Any::class.java

private fun variant(value: Any): Any {
    val name = snake(value.javaClass.simpleName)
    val fields = members(value)
    return if (properties(value.javaClass.kotlin).isEmpty()) name else mapOf(name to fields)
}

private fun members(value: Any): Map<String, Any?> = properties(value.javaClass.kotlin)
    .mapNotNull { property -> json(property.get(value))?.let { snake(property.name) to it } }.toMap()

private val known = ConcurrentHashMap<KClass<*>, List<KProperty1<Any, *>>>()

@Suppress("UNCHECKED_CAST")
private fun properties(type: KClass<*>): List<KProperty1<Any, *>> = known.getOrPut(type) {
    // `message` is every exception's.
    type.declaredMemberProperties.filter { it.name != "message" }.map { it as KProperty1<Any, *> }
}

private fun tokenSet(tokens: TokenSet) = some(
    "access_token" to tokens.accessToken(),
    "refresh_token" to tokens.refreshToken(),
    "id_token" to tokens.idToken(),
    "scope" to tokens.scope(),
    "received_at" to tokens.receivedAt(),
    "expires_at" to tokens.expiresAt(),
    "refresh_token_expires_at" to tokens.refreshTokenExpiresAt(),
    "custom" to tokens.custom(),
)

private fun httpRequest(request: HttpRequest) = some(
    "id" to request.id,
    "purpose" to request.purpose,
    "is_grant" to request.isGrant,
    "method" to request.method,
    "url" to request.url,
    "target" to request.target,
    "body" to request.body,
) + mapOf(
    "headers" to request.headers.associate { it.name to it.value.expose() },
    "hints" to some(
        "timeout" to request.timeoutMs,
        "max_response_bytes" to request.maxResponseBytes,
        "follow_redirects" to request.followRedirects,
        "idempotent" to request.idempotent,
    ),
)

/** `refreshTokenExpiresAt`, `NewerVersion` and `timeoutMs` as they are called in the suite. */
private fun snake(name: String): String = name.replace(Regex("(?<=.)[A-Z]")) { "_" + it.value }.lowercase().removeSuffix("_ms")
