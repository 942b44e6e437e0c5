package io.github.webexoauth.client

import io.github.webexoauth.examples.signIn
import io.github.webexoauth.junit.Simulator
import io.github.webexoauth.junit.SimulatorExtension
import io.github.webexoauth.providerWebexAt
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.logging.HttpLoggingInterceptor
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.extension.ExtendWith
import org.junit.jupiter.api.io.TempDir
import java.io.File

// README: tests
@ExtendWith(SimulatorExtension::class)
class SignInTest {
    @Test
    fun `a server that is down for a moment costs no session`(simulator: Simulator) = runBlocking {
        val client = AuthClient.open(simulator.config())
        client.completeLogin(simulator.authorize(client.beginLogin()))
        simulator.fault("status", "status" to 503, "grant_type" to "refresh_token")
        assertThrows<AuthException.Unavailable> { client.refresh() }
        assertTrue(client.status.canAuthorize)
        client.shutdown()
    }
}
// README: end

/** What the README shows is what runs here, word for word. */
@Timeout(60)
class ReadmeTest {
    @Test
    fun `the snippets run`(@TempDir folder: File) = runBlocking {
        Simulator().use { simulator ->
            // The README means Webex; here it is the simulator.
            fun configOf(clientId: String, clientSecret: String, redirectUri: String, scope: String) =
                configOf(clientId, clientSecret, redirectUri, scope, providerWebexAt(simulator.baseUrl))
            val clientId = "simulated-integration"
            val clientSecret = simulator.clientSecret
            val api = simulator.baseUrl
            val browse = { url: String -> simulator.authorize(url) }

            // README: client
            val config = configOf(clientId, clientSecret, redirectUri = "http://localhost:8080/oauth", scope = "spark:all")
            val client = AuthClient.open(config, FileStore(File(folder, "session")))
            // README: end

            // README: login
            val url = client.beginLogin()
            val callback = browse(url)
            client.completeLogin(callback)
            // README: end

            // README: call
            val http = OkHttpClient.Builder().authorizedBy(client).build()
            val request = Request.Builder().url("$api/v1/people/me").build()
            val status = http.newCall(request).execute().use { it.code }
            // README: end
            assertEquals(200, status)

            // README: token
            val header = client.authorizationHeader()
            // README: end
            assertTrue(header.startsWith("Bearer "))

            // README: errors
            val problem = try {
                client.token()
                null
            } catch (error: AuthException.SignInRequired) {
                "sign in again"
            } catch (error: AuthException.Unavailable) {
                "try again at ${error.retryAt}"
            }
            // README: end
            assertEquals(null, problem)

            // README: logging
            val logger = HttpLoggingInterceptor().setLevel(HttpLoggingInterceptor.Level.BODY)
            logger.redactHeader("Authorization")
            val logged = OkHttpClient.Builder().authorizedBy(client).addNetworkInterceptor(logger).build()
            // README: end
            assertEquals(200, logged.newCall(request).execute().use { it.code })

            val shown = ArrayList<String>()
            fun show(text: String) = synchronized(shown) { shown.add(text) }
            val authorized = CompletableDeferred<String>()
            fun authorize(accessToken: String, expiryInSeconds: Int?) {
                authorized.complete("$accessToken for $expiryInSeconds s")
            }
            val scope = this
            // README: SDK
            val subscription = client.onReLoginRequired { reason -> show("Sign in again: $reason") }
            val feeding = scope.launch {
                client.tokenProvider.feed { authorize(it.accessToken, it.expiryInSeconds) }
            }
            // README: end
            assertTrue(authorized.await().startsWith(client.token().expose()))
            feeding.cancel()
            subscription.close()
            assertEquals(emptyList<String>(), shown)

            // README: end of session
            client.signOut()
            client.shutdown()
            // README: end
        }
    }

    @Test
    fun `the snippets are those that ran`() {
        val ran = File("src/test/kotlin/io/github/webexoauth/client/ReadmeTest.kt").readText()
            .split(Regex("// README: (?!end\n).*\n")).drop(1).map { it.substringBefore("// README: end\n").trimIndent().trim() }
            .dropLast(1)
        val shown = Regex("```kotlin\n(.*?)```", RegexOption.DOT_MATCHES_ALL).findAll(File("README.md").readText())
            .map { it.groupValues[1].trim() }.filterNot { it.startsWith("// Not run here") }.toList()
        assertTrue(shown.size >= 8)
        for (snippet in shown) assertTrue(snippet in ran, "not run: $snippet")
    }

    @Test
    fun `the example tells who signed in, and needs no browser the second time`(@TempDir folder: File) = runBlocking {
        Simulator().use { simulator ->
            val file = File(folder, "session")
            val name = signIn(simulator.config(), FileStore(file)) { simulator.authorize(it) }
            println("You are $name")
            assertTrue(name.isNotEmpty())
            assertEquals(name, signIn(simulator.config(), FileStore(file)) { error("asked again") })
        }
    }
}
