package io.github.webexoauth.conformance

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.node.NullNode
import io.github.webexoauth.AdoptException
import io.github.webexoauth.AuthorizeRequest
import io.github.webexoauth.Config
import io.github.webexoauth.ConfigException
import io.github.webexoauth.ConfigParts
import io.github.webexoauth.Entropy
import io.github.webexoauth.EntropyException
import io.github.webexoauth.ExpectedCallback
import io.github.webexoauth.JwtException
import io.github.webexoauth.MisuseException
import io.github.webexoauth.OrgIdException
import io.github.webexoauth.RestoreException
import io.github.webexoauth.Services
import io.github.webexoauth.Session
import io.github.webexoauth.StateException
import io.github.webexoauth.TokenAnswer
import io.github.webexoauth.authorizeUrl
import io.github.webexoauth.callerPart
import io.github.webexoauth.cleanText
import io.github.webexoauth.cleanUrl
import io.github.webexoauth.configParts
import io.github.webexoauth.configPartsFromAuthorizationUrl
import io.github.webexoauth.configPartsFromVariables
import io.github.webexoauth.configPartsFromVariablesAt
import io.github.webexoauth.configPartsWithAuthorizationUrl
import io.github.webexoauth.emailHash
import io.github.webexoauth.encodeState
import io.github.webexoauth.guestJwt
import io.github.webexoauth.isGuestToken
import io.github.webexoauth.jwtClaims
import io.github.webexoauth.lifetimeSeconds
import io.github.webexoauth.metadataSource
import io.github.webexoauth.metadataStep
import io.github.webexoauth.orgIdOfCode
import io.github.webexoauth.orgIdOfToken
import io.github.webexoauth.pkceChallenge
import io.github.webexoauth.pkceIsVerifier
import io.github.webexoauth.providerFromMetadata
import io.github.webexoauth.providerFromMetadataFile
import io.github.webexoauth.readAnswer
import io.github.webexoauth.readCallback
import io.github.webexoauth.readTokens
import io.github.webexoauth.retryAfterBounds
import io.github.webexoauth.retryAfterMs
import io.github.webexoauth.scopeContains
import io.github.webexoauth.scopeDelta
import io.github.webexoauth.scopeIntersection
import io.github.webexoauth.scopeIsSubset
import io.github.webexoauth.scopeMinus
import io.github.webexoauth.scopeParse
import io.github.webexoauth.scopeUnion
import io.github.webexoauth.shownUrl
import io.github.webexoauth.snapshotRevision
import io.github.webexoauth.targetUri
import io.github.webexoauth.webexQrUrl

// The vectors of pure functions: one call each.

private fun value(value: Any?) = some("value" to value)

private fun error(error: Any) = mapOf("error" to json(error))

/** Calls the function that the input names. [config] is the group's. */
fun call(kind: String, input: JsonNode, config: JsonNode?): Any {
    val (name, given) = variant(input)
    // An error of the API's own is a result.
    return try {
        call(kind, name, given, config)
    } catch (error: AdoptException.NoTokens) {
        error(error.problem)
    } catch (error: ConfigException) {
        error(error)
    } catch (error: EntropyException) {
        error(error)
    } catch (error: JwtException) {
        error(error)
    } catch (error: MisuseException) {
        error(error)
    } catch (error: OrgIdException) {
        error(error)
    } catch (error: RestoreException) {
        error(error)
    } catch (error: StateException) {
        error(error)
    }
}

private fun call(kind: String, name: String, given: JsonNode, config: JsonNode?): Any = when (kind to name) {
    "authorize_url" to "authorize_url" -> value(authorize(given))
    "authorize_url" to "email_hash" -> value(emailHash(need(given, "email", ::text)))
    "authorize_url" to "encode_state" -> value(encodeState(need(given, "json", ::text)))
    "authorize_url" to "caller_part" -> value(callerPart(need(given, "state", ::text)))
    "callback" to "read" -> callback(given)
    "callback" to "clean_url" -> value(cleanUrl(need(given, "url", ::text)))
    "token_response" to "read_answer" -> {
        val strict = may(given, "strict", ::flag) ?: false
        when (val answer = readAnswer(need(given, "response", ::response), need(given, "now", ::time), strict)) {
            is TokenAnswer.Granted -> value(answer.read)
            is TokenAnswer.Refused -> error(answer.fault)
        }
    }
    "pkce" to "challenge" -> value(pkceChallenge(need(given, "verifier", ::text)))
    "pkce" to "is_verifier" -> value(pkceIsVerifier(need(given, "verifier", ::text)))
    "entropy" to "new" -> {
        Entropy(need(given, "bytes", ::bytes))
        value("ok")
    }
    "jwt" to "guest_jwt" -> value(
        guestJwt(need(given, "guest", ::guest), need(given, "now", ::time), need(given, "entropy", ::entropy)),
    )
    "jwt" to "lifetime_seconds" -> value(lifetimeSeconds(need(given, "lifetime", ::lifetime)))
    "retry_after" to "retry_after" -> {
        val bounds = may(given, "bounds", ::bounds) ?: retryAfterBounds()
        value(retryAfterMs(may(given, "header", ::text), need(given, "now", ::time), bounds))
    }
    "snapshot" to "restore" -> {
        val session = Session.restore(groupConfig(config), need(given, "snapshot", ::secret))
        mapOf("value" to queries(session, need(given, "now", ::time)))
    }
    "snapshot" to "snapshot_revision" -> value(snapshotRevision(need(given, "snapshot", ::secret)))
    "org" to "org_id_of_token" -> value(orgIdOfToken(need(given, "token", ::text)))
    "org" to "org_id_of_code" -> value(orgIdOfCode(need(given, "code", ::text)))
    "org" to "is_guest" -> value(isGuestToken(need(given, "token", ::text)))
    "org" to "claims" -> value(jwtClaims(need(given, "jwt", ::text)))
    "adopt" to "read" -> value(readTokens(need(given, "text", ::text), need(given, "now", ::time)))
    "adopt" to "to_handoff_json", "adopt" to "to_handoff_query" -> {
        val tokens = readTokens(need(given, "text", ::text), need(given, "received_at", ::time)).tokens
        val now = need(given, "now", ::time)
        val all = need(given, "with_refresh_token", ::flag)
        value(if (name == "to_handoff_json") tokens.toHandoffJson(now, all) else tokens.toHandoffQuery(now, all))
    }
    "device" to "webex_qr_url" ->
        value(webexQrUrl(need(given, "verification_uri_complete", ::text), need(given, "oauth_helper", ::text)))
    "device" to "shown_url" -> value(shownUrl(need(given, "text", ::text)))
    "device" to "clean_text" ->
        value(cleanText(need(given, "text", ::text), may(given, "secrets", list(::secret)).orEmpty()))
    "api" to "judge" -> value(
        groupConfig(config)
            .judge(need(given, "now", ::time), need(given, "status", ::status), may(given, "retry_after", ::text)),
    )
    "api" to "judge_url" -> value(groupConfig(config).judgeUrl(need(given, "url", ::text)))
    "api" to "target_uri" -> value(targetUri(need(given, "text", ::text)))
    "api" to "catalog_url" -> value(groupConfig(config).catalogUrl())
    "api" to "read_services" -> value(services(given))
    "api" to "services_may_carry_token" ->
        value(groupConfig(config).withServices(services(given)).mayCarryToken(need(given, "url", ::text)))
    "api" to "may_carry_token" -> value(groupConfig(config).mayCarryToken(need(given, "url", ::text)))
    else -> when (kind) {
        "scope" -> value(scope(name, given))
        "config" -> if (name == "metadata_step") {
            value(metadataStep(need(given, "issuer", ::text), need(given, "answers", list(::metadataAnswer))))
        } else {
            mapOf("value" to json(configuration(name, given)))
        }
        else -> throw Problem("unknown function $name of kind $kind")
    }
}

private fun services(given: JsonNode): Services {
    val status = may(given, "status", ::status) ?: 200u
    return Services.read(may(given, "now", ::time) ?: 0, status, need(given, "body", ::text).toByteArray())
}

private fun authorize(given: JsonNode): String = authorizeUrl(
    AuthorizeRequest(
        endpoint = need(given, "endpoint", ::text), clientId = need(given, "client_id", ::text),
        redirectUri = need(given, "redirect_uri", ::text), scope = may(given, "scope", ::text).orEmpty(),
        state = may(given, "state", ::text), codeChallenge = may(given, "code_challenge", ::text),
        emailHash = may(given, "email_hash", ::text), options = may(given, "options", ::loginOptions),
    ),
)

private fun callback(given: JsonNode): Any {
    val expected = need(given, "expected") { it }
    val read = readCallback(
        need(given, "text", ::text),
        ExpectedCallback(
            flow = need(expected, "flow", flow), redirectUri = need(expected, "redirect_uri", ::text),
            state = need(expected, "state", ::secret), issuer = may(expected, "issuer", ::text),
            issuerRequired = may(expected, "issuer_required", ::flag) ?: false,
        ),
        need(given, "now", ::time),
    )
    return read.ignored?.let(::error) ?: value(read)
}

private fun scope(name: String, given: JsonNode): Any {
    fun one(name: String) = need(given, name, ::text)
    return when (name) {
        "parse" -> scopeParse(one("text"))
        "contains" -> scopeContains(one("scope"), one("token"))
        "is_subset_of" -> scopeIsSubset(one("scope"), one("other"))
        "minus" -> scopeMinus(one("scope"), one("other"))
        "intersection" -> scopeIntersection(one("scope"), one("other"))
        "union" -> scopeUnion(one("scope"), one("other"))
        "between" -> scopeDelta(one("requested"), one("granted"))
        else -> throw Problem("unknown function $name of kind scope")
    }
}

private fun configuration(name: String, given: JsonNode): Config {
    val parts = when (name) {
        "build" -> return need(given, "config", ::config)
        "from_authorization_url" -> configPartsFromAuthorizationUrl(need(given, "text", ::text))
        "apply_authorization_url" ->
            configPartsWithAuthorizationUrl(need(given, "config", ::parts), need(given, "text", ::text))
        "from_variables" -> fromVariables(given)
        "from_metadata" -> {
            val document = need(given, "document", ::text).toByteArray()
            configParts(providerFromMetadata(document, need(given, "issuer", ::text)), "")
        }
        else -> throw Problem("unknown function $name of kind config")
    }
    val whole = parts.with(given["with"] ?: NullNode.instance)
    return if (name == "from_variables") Config.fromVariables(whole) else Config(whole)
}

private fun fromVariables(given: JsonNode): ConfigParts {
    val variables = need(given, "variables") { it.properties().associate { (name, value) -> name to text(value) } }
    val legacy = may(given, "legacy", ::flag) ?: false
    val document = may(given, "metadata", ::text) ?: return configPartsFromVariables(variables, legacy)
    val source = metadataSource(variables) ?: throw Problem("no variable names metadata")
    return configPartsFromVariablesAt(providerFromMetadataFile(source, document.toByteArray()), variables, legacy)
}
