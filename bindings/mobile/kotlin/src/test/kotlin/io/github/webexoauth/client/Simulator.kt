package io.github.webexoauth.client

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.ObjectMapper
import io.github.webexoauth.Config
import io.github.webexoauth.ConfigParts
import io.github.webexoauth.Secret
import io.github.webexoauth.configParts
import io.github.webexoauth.providerWebexAt
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody

/** The simulator of this repository, a world of its own on a free port. */
class Simulator : AutoCloseable {
    private val process = ProcessBuilder(System.getProperty("webex.simulator"), "--json", "--stop-with-stdin")
        .redirectError(ProcessBuilder.Redirect.INHERIT).start()
    private val http = OkHttpClient()
    private val start = json.readTree(process.inputStream.bufferedReader().readLine())
    val base: String = start["base_url"].asText()
    val clientSecret: String = start["client_secret"].asText()

    fun config(change: (ConfigParts) -> ConfigParts = { it }): Config = Config(
        change(
            configParts(providerWebexAt(base), start["client_id"].asText()).copy(
                clientSecret = Secret(clientSecret),
                redirectUri = "http://localhost:8080/oauth",
                scope = "spark:all",
            ),
        ),
    )

    fun post(path: String, body: String): JsonNode = call(path, "POST", body)

    fun patch(options: String): JsonNode = call("/_sim/options", "PATCH", options)

    fun counter(name: String): Int = call("/_sim/counters", "GET", null)[name].asInt()

    /** Where the browser arrives after the person has accepted. */
    fun visit(url: String, decision: String = "accept"): String =
        post("/_sim/authorize", json.writeValueAsString(mapOf("url" to url, "decision" to decision)))["redirect"].asText()

    /** Tokens of a sign-in that is there already. */
    fun issue(): String =
        post("/_sim/issue", """{"client_id": "${start["client_id"].asText()}", "scope": "spark:all"}""").toString()

    private fun call(path: String, method: String, body: String?): JsonNode {
        val request = Request.Builder().url(base + path).method(method, body?.toRequestBody()).build()
        return http.newCall(request).execute().use { json.readTree(it.body!!.string()) }
    }

    override fun close() {
        process.outputStream.close()
        process.waitFor()
        http.dispatcher.executorService.shutdown()
        http.connectionPool.evictAll()
    }

    companion object {
        val json = ObjectMapper()
    }
}
