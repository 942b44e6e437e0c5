package io.github.webexoauth.junit

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.ObjectMapper
import io.github.webexoauth.Config
import io.github.webexoauth.ConfigParts
import io.github.webexoauth.client.configOf
import io.github.webexoauth.providerWebexAt
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import java.util.concurrent.TimeUnit
import kotlin.time.Duration

/**
 * A Webex-like authorization server on this machine, on a free port: the program `webex-oauth-simulator`, which ends with
 * [close], or with this process, whatever happens.
 *
 * [arguments] are the program's own: `--rotate`, `--access-lifetime=5s`. Throws `IllegalStateException` where it does not
 * start, which says how it is found.
 */
public class Simulator(vararg arguments: String) : AutoCloseable {
    private val process = start(program(), arguments)
    private val http = OkHttpClient()
    private val said = ended(process.inputStream.bufferedReader().readLine())

    /** `http://127.0.0.1:PORT` */
    public val baseUrl: String = said["base_url"].asText()

    /** The integration that it knows. */
    public val clientId: String = said["client_id"].asText()

    /** The secret of that integration. */
    public val clientSecret: String = said["client_secret"].asText()

    /** What brings `configFromVariables`, and every other program of webex-oauth, to this server. */
    public val variables: Map<String, String> =
        said["variables"].fields().asSequence().associate { (name, value) -> name to value.asText() }

    private fun ended(line: String?): JsonNode =
        json.readTree(line ?: error("the simulator did not start: status ${process.waitFor()}"))

    /** A configuration for this server. [change] is for everything else. */
    public fun config(
        redirectUri: String = "http://localhost:8080/oauth",
        scope: String = "spark:all",
        change: ConfigParts.() -> ConfigParts = { this },
    ): Config = configOf(clientId, clientSecret, redirectUri, scope, providerWebexAt(baseUrl), change)

    /** The person at the browser decides, `accept` or `decline`; answers the address where the browser arrives. */
    public fun authorize(url: String, decision: String = "accept", person: String? = null): String {
        val asked = mapOf("url" to url, "decision" to decision) + listOfNotNull(person?.let { "person" to it })
        return post("authorize", asked)["redirect"].asText()
    }

    /** A token answer as if somebody had signed in, as JSON: what `AuthClient.adopt` takes. */
    public fun issue(scope: String = "spark:all", person: String? = null): String {
        val asked = mapOf("client_id" to clientId, "scope" to scope) + listOfNotNull(person?.let { "person" to it })
        return post("issue", asked).toString()
    }

    /** The next request that it is meant for meets it: `fault("status", "status" to 503, "grant_type" to "refresh_token")`. */
    public fun fault(kind: String, vararg members: Pair<String, Any?>) {
        post("faults", mapOf("fault" to kind) + members)
    }

    /** Changes options: `options("rotate" to true)`. */
    public fun options(vararg options: Pair<String, Any?>) {
        control("options", json.writeValueAsString(mapOf(*options)), "PATCH")
    }

    /** Tokens end now. */
    public fun expire(access: Boolean = true, refresh: Boolean = false) {
        post("expire", mapOf("access" to access, "refresh" to refresh))
    }

    /** Takes all tokens back. */
    public fun revokeAll() {
        post("revoke", mapOf("all" to true))
    }

    /** The server's clock goes on by so much. */
    public fun advance(time: Duration) {
        post("clock", mapOf("advance_ms" to time.inWholeMilliseconds))
    }

    /** How often it happened: `refreshes_succeeded`, `reuse_detected`. */
    public fun counter(name: String): Int = json.readTree(control("counters"))[name].asInt()

    /** As after the start: no sign-ins, no faults, nothing seen. */
    public fun reset() {
        control("release", "{}")
        control("reset", "{}")
    }

    /** One request of the control API, `control("clock", """{"advance_ms": 1000}""")`: JSON in, JSON out. */
    public fun control(path: String, body: String? = null, method: String = if (body == null) "GET" else "POST"): String {
        val request = Request.Builder().url("$baseUrl/_sim/$path").method(method, body?.toRequestBody()).build()
        return http.newCall(request).execute().use { answer ->
            val text = answer.body?.string().orEmpty()
            check(answer.isSuccessful) { "the simulator answered ${answer.code} to $path: $text" }
            text
        }
    }

    private fun post(path: String, body: Any): JsonNode = json.readTree(control(path, json.writeValueAsString(body)))

    /** Ends the program. */
    override fun close() {
        process.outputStream.close()
        if (!process.waitFor(PATIENCE, TimeUnit.SECONDS)) process.destroyForcibly()
        http.dispatcher.executorService.shutdown()
        http.connectionPool.evictAll()
    }

    private companion object {
        val json = ObjectMapper()
        const val PATIENCE = 20L
    }
}
