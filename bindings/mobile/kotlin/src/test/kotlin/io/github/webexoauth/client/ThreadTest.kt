package io.github.webexoauth.client

import io.github.webexoauth.Secret
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import okhttp3.Request
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.CountDownLatch

/** One thread for everything, as an app's main thread is: whoever blocked it would wait for ever. */
class ThreadTest : SimulatorTest() {
    @Test
    fun `waiting for a refresh leaves the main thread free`() = runBlocking {
        val client = signedIn()
        expire()
        hold()
        val token = async { client.token() }
        // On this very thread, while the other one waits on it.
        eventually("the refresh") { simulator.counter("refreshes_attempted") == 1 }
        release()
        assertEquals(2L, token.await().generation)
        client.shutdown()
    }

    @Test
    fun `a store that blocks its thread does not block the caller's`() = runBlocking {
        val free = CountDownLatch(1)
        val saved = CompletableDeferred<Unit>()
        val store = object : TokenStore {
            override suspend fun load(): Secret? = null.also { free.await() }
            override suspend fun save(put: Put): SaveResult {
                free.await()
                saved.complete(Unit)
                return SaveResult.Stored
            }
            override suspend fun delete() = Unit
        }
        val opening = async { open(store) }
        launch { free.countDown() }
        val client = opening.await()
        val url = client.beginLogin()
        assertTrue(url.startsWith("http"))
        saved.await()
        client.shutdown()
    }

    @Test
    fun `calls of an API leave the main thread free`() = runBlocking {
        val client = signedIn()
        simulator.fault("hold", "endpoint" to "people_me")
        val request = Request.Builder().url("${simulator.baseUrl}/v1/people/me").build()
        val answer = async { client.call(request) }
        while (!answer.isCompleted) {
            // The fault is served once; until then there is nothing to let go.
            kotlinx.coroutines.delay(10)
            withContext(Dispatchers.IO) { release() }
        }
        assertEquals(200, answer.await().status)
        client.shutdown()
    }

    @Test
    fun `a token that is known to be good costs no call into the library`() = runBlocking {
        val client = signedIn()
        val token = client.token()
        // Whatever asks it from now on throws.
        client.executor.coordinator.close()
        repeat(100) { assertEquals(token, client.token()) }
        assertEquals(token.exposeHeader(), client.authorizationHeader())
        fails<IllegalStateException> { client.status }
    }

    @Test
    fun `a client is closed under many calls`() = runBlocking {
        repeat(20) {
            val client = signedIn(MemoryStore())
            expire()
            val request = Request.Builder().url("${simulator.baseUrl}/v1/people/me").build()
            val calls = (1..60).map { number ->
                async(Dispatchers.Default) {
                    runCatching<Any?> {
                        when (number % 6) {
                            0 -> client.token()
                            1 -> client.refresh()
                            2 -> client.call(request)
                            3 -> client.beginLogin()
                            4 -> client.adopt("Bearer x")
                            else -> client.status.toString()
                        }
                    }.exceptionOrNull()
                }
            }
            if (it % 2 == 0) client.close() else client.shutdown()
            val errors = calls.awaitAll().filterNotNull()
            assertTrue(errors.all { error -> error is AuthException }, errors.toString())
        }
    }
}
