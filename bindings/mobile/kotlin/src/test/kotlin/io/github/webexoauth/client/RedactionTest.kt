package io.github.webexoauth.client

import io.github.webexoauth.Flow
import io.github.webexoauth.Input
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.LoginState
import io.github.webexoauth.Secret
import io.github.webexoauth.Session
import io.github.webexoauth.SignInReason
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.logging.HttpLoggingInterceptor
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class RedactionTest : SimulatorTest() {
    private fun clean(text: String, vararg secrets: String?) {
        for (secret in secrets) {
            assertTrue(secret!!.isNotEmpty())
            assertFalse(secret in text, "${secret.take(3)}... is in: $text")
        }
    }

    @Test
    fun `printing shows no secret`() = runBlocking {
        val client = signedIn()
        val token = client.token()
        val secret = Secret("hidden")
        val text = listOf(
            client, token, client.tokens, client.config, client.config.parts(), client.status, secret, listOf(secret),
            client.tokenProvider.token(), Result.success(token), client.transcript,
            LoginOptions(Flow.CODE, state = LoginState.Opaque(secret)), client.config.parts().copy(accessToken = secret),
            Put(secret, 2, 1, token.expiresAt), SaveResult.Conflict(secret), SignedIn("https://app.example/?a=b", "hidden"),
            ClientOptions(clock, askForToken = { secret }),
        ).joinToString()
        assertTrue("Put(revision=2, replaces=1, dueAt=${token.expiresAt}, snapshot=redacted)" in text, text)
        assertTrue("SignedIn(cleanedUrl=https://app.example/?a=b, state=redacted)" in text, text)
        clean(text, token.expose(), simulator.clientSecret, "hidden", client.tokens?.refreshToken()?.expose())
        assertFalse(Regex("""\w@[0-9a-f]{5,8}\b""").containsMatchIn(text), "an address in place of what it is: $text")
        assertTrue("AuthClient(SignedIn)" in text, text)
        assertEquals("the user has to sign in: Expired", AuthException.SignInRequired(SignInReason.Expired).message)
        client.close()
    }

    @Test
    fun `what the session asks for shows no secret, data classes and collections included`() {
        val session = Session(simulator.config(), freshEntropy())
        val tasks = session.handle(0, Input.Adopt(Secret("""{"refresh_token": "hidden"}"""))).tasks +
            session.handle(0, Input.EnsureFresh).tasks +
            session.handle(0, Input.BeginLogin(LoginOptions(Flow.CODE), freshEntropy())).tasks
        val effects = tasks.map { it.effect() }
        val text = "$session $tasks $effects ${session.snapshot()} ${session.access(0)}"
        assertTrue("Send" in text)
        clean(text, "hidden", simulator.clientSecret)
    }

    @Test
    fun `events and errors of a whole life show no secret`() = runBlocking {
        val client = open(options = ClientOptions(clock, record = true))
        val events = ArrayList<AuthEvent>()
        val listening = launch(start = CoroutineStart.UNDISPATCHED) { client.events.toList(events) }
        val url = client.beginLogin()
        val callback = simulator.authorize(url)
        val ignored = fails<AuthException.CallbackNotOurs> { client.completeLogin("$callback&state=other") }
        client.completeLogin(callback)
        val tokens = client.tokens!!
        val secrets = arrayOf(
            tokens.accessToken()!!.expose(), tokens.refreshToken()!!.expose(), simulator.clientSecret,
            Regex("code=([^&]*)").find(callback)!!.groupValues[1], Regex("state=([^&]*)").find(url)!!.groupValues[1],
        )
        simulator.fault("status", "status" to 400, "error" to "invalid_grant", "grant_type" to "refresh_token")
        expire()
        val refused = fails<AuthException.SignInRequired> { client.token() }
        client.shutdown()
        listening.join()
        assertTrue(events.size > 2)
        clean("$events ${printed(ignored)} ${printed(refused)} ${client.transcript}", *secrets)
        assertTrue("complete_login" in client.transcript!!)
    }

    /** What such a logger writes, application interceptor or network interceptor. */
    private fun logged(client: AuthClient, place: OkHttpClient.Builder.(HttpLoggingInterceptor) -> Unit): String {
        val lines = StringBuffer()
        val logger = HttpLoggingInterceptor { lines.append(it).append('\n') }.setLevel(HttpLoggingInterceptor.Level.BODY)
        val http = OkHttpClient.Builder().apply { place(logger) }.build()
        val request = Request.Builder().url("${simulator.baseUrl}/v1/people/me").build()
        // A replay is logged as well.
        simulator.fault("status", "status" to 401, "endpoint" to "people_me")
        http.newCall(request).execute().use { answer ->
            assertEquals(200, answer.code)
            // What OkHttp itself prints of a request.
            lines.append(answer.request.toString()).append(answer)
        }
        return lines.toString().also { assertTrue("/v1/people/me" in it) }
    }

    @Test
    fun `logs at the level of bodies show no token, placed as the README says`() = runBlocking {
        val client = signedIn { it.copy(refresh = it.refresh.copy(minIntervalMs = 0u)) }
        val refreshToken = client.tokens!!.refreshToken()!!.expose()
        suspend fun tokens() = arrayOf(client.token().expose(), refreshToken, simulator.clientSecret)
        // An application interceptor, before ours or after it: the header is not there yet.
        for (before in listOf(true, false)) {
            val old = client.token().expose()
            val log = logged(client) {
                if (before) addInterceptor(it).authorizedBy(client) else authorizedBy(client).addInterceptor(it)
            }
            clean(log, old, *tokens())
            assertFalse("Authorization" in log, log)
        }
        // On the wire it is, and the logger has to be told so.
        val old = client.token().expose()
        val wire = logged(client) { authorizedBy(client).addNetworkInterceptor(it.apply { redactHeader("Authorization") }) }
        clean(wire, old, *tokens())
        assertTrue("Authorization: ██" in wire, wire)
        // The same for calls of the client's own.
        val lines = StringBuffer()
        val logger = HttpLoggingInterceptor { lines.append(it) }.setLevel(HttpLoggingInterceptor.Level.BODY)
        val http = OkHttpClient.Builder().addInterceptor(logger).build()
        assertEquals(200, client.call(Request.Builder().url("${simulator.baseUrl}/v1/people/me").build(), http = http).status)
        clean(lines.toString().also { assertTrue("Lovelace" in it) }, *tokens())
        client.close()
    }

    @Test
    fun `an app's logger never sees the requests of the session`() = runBlocking {
        val lines = StringBuffer()
        val logger = HttpLoggingInterceptor { lines.append(it) }.setLevel(HttpLoggingInterceptor.Level.BODY)
        val base = OkHttpClient.Builder().addInterceptor(logger).addNetworkInterceptor(logger).build()
        val client = signedIn(transport = OkHttpTransport(base))
        client.refresh()
        assertEquals(1, simulator.counter("refreshes_succeeded"))
        assertEquals("", lines.toString())
        client.close()
    }
}
