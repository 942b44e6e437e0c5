package io.github.webexoauth.client

import io.github.webexoauth.ConfigException
import io.github.webexoauth.Flow
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.LoginState
import io.github.webexoauth.MisuseException
import io.github.webexoauth.Parameter
import io.github.webexoauth.Secret
import io.github.webexoauth.configParts
import io.github.webexoauth.providerWebex
import io.github.webexoauth.readTokens
import kotlinx.coroutines.runBlocking
import okhttp3.Request
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Whatever text comes in, what comes out is this library's own error. */
class BadInputTest : SimulatorTest() {
    /** Every call of a client that takes a text. */
    private fun calls(client: AuthClient, text: String): List<suspend () -> Any?> = listOf(
        { client.adopt(text) },
        { client.completeLogin(text) },
        { client.redeemCode(text, text) },
        { client.signInWithJwt(text) },
        { client.signInAsGuest(text, text, text) },
        { client.userToken(text) },
        { client.beginLogin(LoginOptions(Flow.CODE, scope = text)) },
        { client.beginLogin(LoginOptions(Flow.CODE, state = LoginState.Json(text))) },
        { client.beginLogin(LoginOptions(Flow.CODE, state = LoginState.Opaque(Secret(text)))) },
        { client.beginLogin(LoginOptions(Flow.CODE, prompt = text, loginHint = text, email = text)) },
        { client.beginLogin(LoginOptions(Flow.CODE, redirectUri = text, extra = listOf(Parameter(text, text)))) },
        { client.logoutUrl(text) },
        { client.mayCarryToken(text) },
    )

    @Test
    fun `half of a surrogate pair is the caller's mistake, wherever it is`() = runBlocking {
        val client = signedIn()
        for (half in listOf("\uD800", "\uDC00", "token\uD800", "\uDC00\uD800x", "https://localhost/?code=\uD83D")) {
            val places = calls(client, half) + listOf<suspend () -> Any?>(
                { Secret(half) },
                { configOf(clientId = half) },
                { configOf(clientId = "c", clientSecret = half) },
                { configOf(clientId = "c", redirectUri = half) },
                { configFromAuthorizationUrl(half) },
                { configFromVariables(mapOf("WEBEX_CLIENT_ID" to half)) },
                { configParts(providerWebex(), half) },
                { readTokens(half, 0) },
            )
            for ((number, place) in places.withIndex()) {
                val error = fails<AuthException.Misuse> { place().also { println("place $number took it") } }
                assertTrue(error.problem is MisuseException.InvalidArgument)
            }
        }
        // Nothing has happened.
        assertNotNull(client.token())
        assertEquals(1L, client.token().generation)
        client.shutdown()
    }

    @Test
    fun `odd texts are typed errors, or work`() = runBlocking {
        val client = open()
        val odd = listOf(
            "", " ", "\u0000", "a\u0000b", "\uFEFF", "\uD83E\uDDE8\u200D", "\r\nAuthorization: x", "%00", "%", "{", "null",
            "com.example.other://callback?code=1&state=2", "https://evil.example/oauth?code=1&state=2", "é".repeat(200_000),
        )
        for (text in odd) {
            for (call in calls(client, text)) {
                try {
                    call()
                } catch (error: AuthException) {
                    assertFalse(text.length > 10 && text in error.toString(), "the text is in the error")
                }
            }
            try {
                configOf(clientId = text, clientSecret = text, redirectUri = text, scope = text)
                configFromAuthorizationUrl(text)
            } catch (error: ConfigException) {
                assertFalse(text.length > 10 && text in error.toString(), "the text is in the error")
            }
        }
        client.shutdown()
    }

    @Test
    fun `calls after close are told so`() = runBlocking {
        val client = signedIn()
        client.token()
        client.close()
        client.shutdown()
        client.close()
        val request = Request.Builder().url("${simulator.baseUrl}/v1/people/me").build()
        val calls = listOf<suspend () -> Any?>(
            { client.token() }, { client.authorizationHeader() }, { client.userToken("x") }, { client.refresh() },
            { client.beginLogin() }, { client.completeLogin("x") }, { client.cancelLogin() }, { client.redeemCode("x") },
            { client.deviceLogin {} }, { client.signInWithJwt("x") }, { client.signInWithClientCredentials() },
            { client.signInAsGuest("x", "x", "x") }, { client.adopt("x") }, { client.signOut() }, { client.call(request) },
            { client.call(Request.Builder().url("https://example.com").build()) }, { client.tokenProvider.token() },
            { client.tokenProvider.feed {} },
        )
        for (call in calls) fails<AuthException.Closed> { call() }
        // Questions are still answered, and who listens is told that it is over.
        assertEquals(1uL, client.status.generation)
        assertNotNull(client.tokens)
        client.events.collect {}
        client.authSignals.collect {}
    }
}
