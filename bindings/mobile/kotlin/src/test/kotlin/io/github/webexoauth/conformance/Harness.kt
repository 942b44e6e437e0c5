package io.github.webexoauth.conformance

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.ObjectMapper
import io.github.webexoauth.Config
import io.github.webexoauth.ConfigException
import io.github.webexoauth.Flow
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.LogoutVia
import io.github.webexoauth.Phase
import io.github.webexoauth.Renewal
import io.github.webexoauth.Secret
import io.github.webexoauth.SignOutOptions
import io.github.webexoauth.client.AuthClient
import io.github.webexoauth.client.AuthEvent
import io.github.webexoauth.client.AuthException
import io.github.webexoauth.client.ClientOptions
import io.github.webexoauth.client.FileStore
import io.github.webexoauth.client.MemoryStore
import io.github.webexoauth.client.TokenStore
import io.github.webexoauth.client.call
import io.github.webexoauth.client.services
import io.github.webexoauth.configParts
import io.github.webexoauth.providerWebexAt
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import okhttp3.RequestBody.Companion.toRequestBody
import java.io.File
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicLong
import kotlin.system.exitProcess
import kotlin.time.Clock
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

// The driver's side of conformance/scenarios: lines in, calls of the public API, lines out. It decides nothing and
// checks nothing.

private val json = ObjectMapper()

private class Unsupported : Exception("not supported by this driver")

private class Opened(val client: AuthClient, val events: ConcurrentLinkedQueue<Map<String, Any?>>, val listener: Job)

fun main() {
    val harness = Harness()
    val running = ArrayList<Job>()
    while (true) {
        val line = readLine() ?: break
        running.add(harness.begin(json.readTree(line)))
    }
    runBlocking {
        harness.closeAll()
        running.joinAll()
    }
    exitProcess(0)
}

private class Harness {
    private val clients = ConcurrentHashMap<String, Opened>()
    private val memories = ConcurrentHashMap<String, MemoryStore>()
    private val jobs = ConcurrentHashMap<String, Job>()
    private val ahead = AtomicLong()
    private val scope = CoroutineScope(Dispatchers.Default)

    private val clock = object : Clock {
        override fun now() = Clock.System.now() + ahead.get().milliseconds
    }

    fun begin(command: JsonNode): Job {
        val id = command["id"]
        val job = scope.launch(start = CoroutineStart.LAZY) {
            try {
                say(mapOf("id" to id, "ok" to run(command)))
            } catch (error: Throwable) {
                say(mapOf("id" to id, "error" to report(error)))
            }
            jobs.remove(id.toString())
        }
        jobs[id.toString()] = job
        job.start()
        return job
    }

    suspend fun closeAll() = clients.values.forEach { it.client.shutdown() }

    @Synchronized
    private fun say(line: Map<String, Any?>) {
        println(json.writeValueAsString(line))
        System.out.flush()
    }

    private suspend fun run(command: JsonNode): Any {
        when (command["do"].asText()) {
            "hello" -> return mapOf("driver" to "kotlin", "protocol" to 1)
            "clock" -> ahead.addAndGet(command["advance"].asLong())
            "cancel" -> jobs[command["of"].toString()]?.cancel()
            "open" -> clients[command["client"].asText()] = open(command)
            else -> return run(command, clients.getValue(command["client"].asText()))
        }
        return emptyMap<String, Any>()
    }

    private suspend fun run(command: JsonNode, opened: Opened): Any {
        val client = opened.client
        fun text(name: String): String? = command[name]?.takeUnless { it.isNull }?.asText()
        when (val name = command["do"].asText()) {
            "close" -> {
                client.shutdown()
                opened.listener.join()
            }
            "status" -> return status(client)
            "events" -> {
                // What was told a moment ago is on its way.
                delay(20)
                return mapOf("events" to generateSequence { opened.events.poll() }.toList())
            }
            "adopt" -> client.adopt(text("tokens")!!)
            "begin_login" -> {
                val flow = if (text("flow") == "implicit") Flow.IMPLICIT else Flow.CODE
                val options = LoginOptions(flow = flow, scope = text("scope"), redirectUri = text("redirect_uri"))
                return mapOf("url" to client.beginLogin(options))
            }
            "complete_login" -> client.completeLogin(text("callback")!!)
            "cancel_login" -> client.cancelLogin(text("of"))
            "login_device" -> client.deviceLogin(text("scope")) {}
            "login_jwt" -> client.signInWithJwt(text("jwt")!!)
            "login_client_credentials" -> client.signInWithClientCredentials(text("scope"))
            "login_guest" -> client.signInAsGuest(text("service_token")!!, text("subject")!!, text("display_name")!!)
            "login_browser" -> throw Unsupported()
            "token" -> return many(command) { mapOf("token" to client.token().expose()) }
            "user_token" -> return many(command) { mapOf("token" to client.userToken(text("scope")).expose()) }
            "call" -> return many(command) { call(client, command) }
            "refresh" -> client.refresh()
            "services" -> {
                val found = client.services(command["max_age"].asLong().milliseconds)
                return mapOf("services" to found.all().associate { it.name to it.url })
            }
            "sign_out" -> {
                val via = LogoutVia.valueOf(text("logout")?.uppercase() ?: "NOTHING")
                val url = client.signOut(SignOutOptions(command["revoke"]?.asBoolean() ?: true, via))
                return listOfNotNull(url?.let { "url" to it }).toMap()
            }
            else -> error("no such command: $name")
        }
        return emptyMap<String, Any>()
    }

    private val waits = ConcurrentHashMap<AuthClient, Duration>()

    private suspend fun call(client: AuthClient, command: JsonNode): Map<String, Any> {
        val method = command["method"]?.asText() ?: "GET"
        val text = command["body"]?.asText() ?: if (method in setOf("POST", "PUT", "PATCH")) "" else null
        val body = text?.toByteArray()?.toRequestBody()
        val headers = command["headers"]?.properties().orEmpty().associate { (name, value) -> name to value.asText() }
        val url = command["url"].asText()
        val answer = waits[client]?.let { client.call(url, method, headers, body, it) } ?: client.call(url, method, headers, body)
        val result = mapOf("status" to answer.status, "headers" to answer.headers, "body" to String(answer.body))
        return answer.refreshError?.let { result + ("refresh_error" to report(it)) } ?: result
    }

    private fun status(client: AuthClient): Any {
        val status = client.status
        val phase = when (status.phase) {
            is Phase.SignedOut -> "signed_out"
            is Phase.SigningIn -> "signing_in"
            is Phase.SignedIn -> "signed_in"
        }
        return mapOf(
            "phase" to phase, "can_authorize" to status.canAuthorize, "can_refresh" to status.canRefresh,
            "generation" to status.generation.toLong(),
        )
    }

    private suspend fun many(command: JsonNode, caller: suspend () -> Map<String, Any>): Any = coroutineScope {
        val results = (1..(command["times"]?.asInt() ?: 1)).map {
            async {
                try {
                    caller()
                } catch (error: CancellationException) {
                    throw error
                } catch (error: Exception) {
                    mapOf("error" to report(error))
                }
            }
        }.awaitAll()
        mapOf("results" to results)
    }

    private fun config(from: JsonNode): Config {
        fun text(name: String): String? = from[name]?.asText()
        fun number(place: JsonNode?, name: String, default: ULong): ULong = place?.get(name)?.asLong()?.toULong() ?: default
        val parts = configParts(providerWebexAt(text("base_url").orEmpty()), text("client_id").orEmpty())
        val refresh = from["refresh"]
        val bounds = from["retry_after"]
        return Config(
            parts.copy(
                clientSecret = text("client_secret")?.let(::Secret), redirectUri = text("redirect_uri"),
                scope = text("scope").orEmpty(), renewal = Renewal.valueOf(text("renewal")?.uppercase() ?: "GRANT"),
                requestTimeoutMs = number(from, "request_timeout", parts.requestTimeoutMs),
                loginLifetimeMs = number(from, "login_lifetime", parts.loginLifetimeMs),
                refresh = parts.refresh.copy(
                    soonPermilleLow = refresh?.get("soon_permille")?.get(0)?.asInt()?.toUShort() ?: parts.refresh.soonPermilleLow,
                    soonPermilleHigh =
                    refresh?.get("soon_permille")?.get(1)?.asInt()?.toUShort() ?: parts.refresh.soonPermilleHigh,
                    marginMs = number(refresh, "margin", parts.refresh.marginMs),
                    minIntervalMs = number(refresh, "min_interval", parts.refresh.minIntervalMs),
                    backoffMs = number(refresh, "backoff", parts.refresh.backoffMs),
                    maxBackoffMs = number(refresh, "max_backoff", parts.refresh.maxBackoffMs),
                    proactive = refresh?.get("proactive")?.asBoolean() ?: parts.refresh.proactive,
                ),
                retryAfter = parts.retryAfter.copy(
                    missingMs = number(bounds, "missing", parts.retryAfter.missingMs),
                    zeroMs = number(bounds, "zero", parts.retryAfter.zeroMs),
                    minimumMs = number(bounds, "minimum", parts.retryAfter.minimumMs),
                    maximumMs = number(bounds, "maximum", parts.retryAfter.maximumMs),
                ),
            ),
        )
    }

    private fun store(from: JsonNode?): TokenStore? = from?.get("file")?.let { FileStore(File(it.asText())) }
        ?: from?.get("memory")?.let { memories.computeIfAbsent(it.asText()) { MemoryStore() } }

    private suspend fun open(command: JsonNode): Opened {
        val answers = ArrayDeque(command["host"]?.toList().orEmpty())
        fun host(): Secret = synchronized(answers) {
            val answer = if (answers.size > 1) answers.removeFirst() else answers.firstOrNull()
            Secret(answer?.takeUnless { it.isNull }?.asText() ?: error("the host has none"))
        }
        val options = ClientOptions(clock, command["patience"]?.asLong()?.milliseconds, { host() }, { host() })
        val client = AuthClient.open(config(command["config"]), store(command["store"]), options = options)
        command["max_wait"]?.let { waits[client] = it.asLong().milliseconds }
        val events = ConcurrentLinkedQueue<Map<String, Any?>>()
        val listener = scope.launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) {
            client.events.collect {
                val name = when (it) {
                    is AuthEvent.OfSession -> it.name
                    is AuthEvent.StoreFailed -> "store:error"
                    is AuthEvent.StoreRecovered -> "store:recovered"
                }
                events.add(mapOf("name" to name, "text" to it.toString()))
            }
        }
        return Opened(client, events, listener)
    }

    private fun report(error: Throwable): Map<String, Any?> {
        val text = "text" to error.toString()
        return when (error) {
            is AuthException.SignInRequired -> mapOf("kind" to "sign_in_required", text)
            is AuthException.Unavailable ->
                mapOf("kind" to "unavailable", text, "retry_in" to (error.retryAt - clock.now()).inWholeMilliseconds)
            is AuthException.LoginFailed ->
                mapOf("kind" to "login_failed", text) + listOfNotNull(error.fault.code?.let { "code" to it })
            is AuthException.CallbackNotOurs ->
                mapOf("kind" to "callback_ignored", text, "reason" to error.reason.name.lowercase())
            is AuthException.LoginCancelled -> mapOf("kind" to "login_cancelled", text)
            is AuthException.LoginSuperseded -> mapOf("kind" to "login_superseded", text)
            is AuthException.TimedOut -> mapOf("kind" to "timeout", text)
            is AuthException.Closed -> mapOf("kind" to "closed", text)
            is AuthException.Misuse -> mapOf("kind" to "misuse", text)
            is AuthException.Store, is AuthException.Restore -> mapOf("kind" to "store", text)
            is AuthException.Call -> mapOf("kind" to "call", text, "fault" to error.fault.name.lowercase())
            is ConfigException -> mapOf("kind" to "config", text)
            is CancellationException -> mapOf("kind" to "cancelled", text)
            is Unsupported -> mapOf("kind" to "unsupported", text)
            else -> mapOf("kind" to "other", text)
        }
    }
}
