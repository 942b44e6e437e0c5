package io.github.webexoauth.client

import io.github.webexoauth.Event
import io.github.webexoauth.Flow
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.LoginState
import io.github.webexoauth.Phase
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import okhttp3.OkHttpClient
import okhttp3.Request
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException
import java.nio.file.Files
import java.nio.file.attribute.PosixFilePermissions

class AuthClientTest : SimulatorTest() {
    private fun me(http: OkHttpClient, header: String? = null): Int {
        val request = Request.Builder().url("${simulator.baseUrl}/v1/people/me")
        header?.let { request.header("Authorization", it) }
        return http.newCall(request.build()).execute().use { it.code }
    }

    @Test
    fun `a login in the browser, its state and its events`() = runBlocking {
        val client = open()
        val events = ArrayList<AuthEvent>()
        val listening = launch(start = CoroutineStart.UNDISPATCHED) { client.events.toList(events) }
        val url = client.beginLogin(LoginOptions(flow = Flow.CODE, state = LoginState.Json("""{"page":7}""")))
        val login = client.completeLogin(simulator.authorize(url))
        assertEquals("""{"page":7}""", login.state)
        assertTrue(client.authorizationHeader().startsWith("Bearer "))
        assertTrue(client.status.phase is Phase.SignedIn)
        client.shutdown()
        listening.join()
        assertTrue(events.any { it is AuthEvent.OfSession && it.event is Event.SignedIn }, events.toString())
    }

    @Test
    fun `a declined login fails, another app's callback is ignored`() = runBlocking {
        val client = open()
        val url = client.beginLogin()
        fails<AuthException.CallbackNotOurs> { client.completeLogin("com.example.other://x?code=1&state=2") }
        fails<AuthException.LoginFailed> { client.completeLogin(simulator.authorize(url, "decline")) }
        fails<AuthException.SignInRequired> { client.token() }
        client.close()
    }

    @Test
    fun `a pending login survives the end of the process`(@TempDir folder: File) = runBlocking {
        val file = File(folder, "deep/session")
        val first = open(FileStore(file))
        val url = first.beginLogin()
        first.shutdown()
        val second = open(FileStore(file))
        second.completeLogin(simulator.authorize(url))
        val token = second.token().expose()
        second.shutdown()
        val third = open(FileStore(file))
        assertEquals(token, third.token().expose())
        third.close()
    }

    @Test
    fun `two hundred coroutines on an expired token make one refresh`() = runBlocking {
        val client = signedIn(MemoryStore())
        val old = client.token()
        expire()
        val tokens = (1..200).map { async(Dispatchers.Default) { client.token() } }.awaitAll()
        assertEquals(1, tokens.map { it.expose() }.toSet().size)
        assertNotEquals(old.expose(), tokens.first().expose())
        assertEquals(1, simulator.counter("refreshes_attempted"))
        client.close()
    }

    @Test
    fun `a caller that is cancelled changes nothing for the others`() = runBlocking {
        val client = signedIn()
        hold()
        expire()
        val gone = launch(Dispatchers.Default) { client.token() }
        while (simulator.counter("refreshes_attempted") == 0) delay(10)
        val stays = async(Dispatchers.Default) { client.token() }
        gone.cancelAndJoin()
        release()
        assertEquals(2L, stays.await().generation)
        assertEquals(1, simulator.counter("refreshes_attempted"))
        client.close()
    }

    @Test
    fun `a refresh that is asked for, and one whose server is busy`() = runBlocking {
        val client = signedIn()
        client.refresh()
        assertEquals(1, simulator.counter("refreshes_succeeded"))
        simulator.fault("status", "status" to 503, "retry_after" to "0", "times" to null, "grant_type" to "refresh_token")
        expire()
        fails<AuthException.Unavailable> { client.token() }
        // OkHttp by itself sends a request again after a 503 with a zero.
        assertEquals(2, simulator.counter("refreshes_attempted"))
        client.close()
    }

    @Test
    fun `a refused token is renewed and the call made once more`() = runBlocking {
        val client = signedIn()
        val http = OkHttpClient.Builder().authorizedBy(client).build()
        assertEquals(200, me(http))
        simulator.fault("status", "status" to 401, "endpoint" to "people_me")
        assertEquals(200, me(http))
        assertEquals(1, simulator.counter("refreshes_attempted"))
        // Refused for good: the caller gets the answer, and the call was made twice at most.
        simulator.fault("status", "status" to 401, "endpoint" to "people_me", "times" to null)
        val before = simulator.counter("api_calls")
        assertEquals(401, me(http))
        assertTrue(simulator.counter("api_calls") - before <= 2)
        client.close()
    }

    @Test
    fun `the caller's own authorization and other hosts are left alone`() = runBlocking {
        val client = signedIn()
        val seen = ArrayList<String?>()
        val http = OkHttpClient.Builder().authorizedBy(client)
            .addNetworkInterceptor {
                seen.add(it.request().header("Authorization"))
                it.proceed(it.request())
            }.build()
        assertEquals(401, me(http, "Bearer mine"))
        assertEquals(listOf<String?>("Bearer mine"), seen)
        seen.clear()
        val elsewhere = simulator.baseUrl.replace("127.0.0.1", "localhost")
        try {
            http.newCall(Request.Builder().url("$elsewhere/v1/echo").build()).execute().close()
        } catch (_: IOException) {
            // It may listen on one address only.
        }
        assertTrue(seen.all { it == null })
        client.close()
    }

    @Test
    fun `other ways to sign in`() = runBlocking {
        simulator.options("auto_decision" to "accept", "device_interval_ms" to 100)
        val device = open()
        withTimeout(30_000) { device.deviceLogin { assertTrue(it.verificationUri.startsWith("http")) } }
        device.token()
        device.close()
        val jwt = open()
        fails<AuthException.LoginFailed> { jwt.signInWithJwt("a.b.c") }
        fails<AuthException.Misuse> { jwt.signInWithJwt("") }
        jwt.close()
    }

    @Test
    fun `signing out forgets and revokes`() = runBlocking {
        val client = signedIn(MemoryStore())
        client.token()
        client.signOut()
        fails<AuthException.SignInRequired> { client.token() }
        assertNull(client.tokens)
        client.close()
    }

    @Test
    fun `who waits at the end is told`() = runBlocking {
        val store = MemoryStore()
        val client = signedIn(store)
        hold()
        expire()
        val waiting = async(Dispatchers.Default) { runCatching { client.token() } }
        while (simulator.counter("refreshes_attempted") == 0) delay(10)
        client.close()
        assertTrue(waiting.await().exceptionOrNull() is AuthException.Closed)
        release()
        client.shutdown()
        fails<AuthException.Closed> { client.token() }
        // The answer was stored all the same.
        val next = open(store)
        assertEquals(2L, next.token().generation)
        next.close()
    }

    @Test
    fun `two clients share a file`(@TempDir folder: File) = runBlocking {
        simulator.options("rotate" to true)
        val file = File(folder, "session")
        val one = signedIn(FileStore(file))
        val two = open(FileStore(file))
        expire()
        val tokens = listOf(one, two).map { async(Dispatchers.Default) { it.token().expose() } }.awaitAll()
        assertEquals(1, tokens.toSet().size)
        assertEquals(1, simulator.counter("refreshes_attempted"))
        assertEquals(listOf("session", "session.lock", "session.refresh-lock"), folder.list()!!.sorted())
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file.toPath())))
        one.close()
        two.close()
    }

    @Test
    fun `a damaged store is left alone`(@TempDir folder: File) = runBlocking {
        val file = File(folder, "session").apply { writeText("nonsense") }
        fails<AuthException.Restore> { open(FileStore(file)) }
        assertEquals("nonsense", file.readText())
    }
}
