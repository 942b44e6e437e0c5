package io.github.webexoauth.client

import io.github.webexoauth.Renewal
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.lang.ref.WeakReference
import java.util.concurrent.atomic.AtomicInteger

/** What only an executor can get wrong: locks, ends, listeners. What it is told to do is the coordinator's. */
class ExecutorTest : SimulatorTest() {
    @Test
    fun `a listener that calls back on the spot, from another thread too, is under no lock`() = runBlocking {
        val client = open()
        val heard = AtomicInteger()
        // Told on the very thread that changed something.
        val listening = launch(Dispatchers.Unconfined, CoroutineStart.UNDISPATCHED) {
            client.events.collect {
                runBlocking { withTimeout(10_000) { withContext(Dispatchers.Default) { client.cancelLogin() } } }
                heard.incrementAndGet()
            }
        }
        repeat(3) { client.adopt(simulator.issue()) }
        eventually("the events") { heard.get() >= 3 }
        client.shutdown()
        listening.join()
    }

    @Test
    fun `a caller that goes on at once, on the thread that answered it, is under no lock`() = runBlocking {
        val client = signedIn()
        expire()
        val refreshed = async(Dispatchers.Unconfined) {
            client.token()
            runBlocking { withTimeout(10_000) { withContext(Dispatchers.Default) { client.refresh() } } }
            client.token().generation
        }
        assertEquals(3L, refreshed.await())
        client.shutdown()
    }

    @Test
    fun `who falls behind by a thousand events loses what comes then, and nobody else does`() = runBlocking {
        val client = open()
        val slow = client.executor.events.listen()
        val all = async(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { client.events.toList() }
        repeat(1100) { client.adopt("Bearer token-$it") }
        client.shutdown()
        var kept = 0
        for (event in slow) kept += 1
        assertEquals(1024, kept)
        assertTrue(all.await().size >= 1100, "${all.await().size}")
    }

    @Test
    fun `a client that is only let go leaves no timer behind`() = runBlocking {
        suspend fun letGo() = signedIn().let { client ->
            client.token()
            WeakReference(client.executor)
        }
        val gone = letGo()
        eventually("let go") {
            System.gc()
            gone.get() == null
        }
    }

    @Test
    fun `a device login is cancelled by itself, and a login in a browser goes on`() = runBlocking {
        val client = open()
        val url = client.beginLogin()
        val login = client.beginDeviceLogin()
        val waiting = List(2) { async { runCatching { login.wait() } } }
        login.cancel()
        for (end in waiting) assertTrue(end.await().exceptionOrNull() is AuthException.LoginCancelled)
        client.completeLogin(simulator.authorize(url))
        assertEquals(1L, client.token().generation)
        client.shutdown()
    }

    @Test
    fun `a callback that never answers is told to stop, and not waited for at the end`() = runBlocking {
        val (asked, stopped) = List(2) { CompletableDeferred<Unit>() }
        val asking = ClientOptions(clock, askForToken = {
            asked.complete(Unit)
            try {
                awaitCancellation()
            } finally {
                stopped.complete(Unit)
            }
        })
        val client = open(options = asking) { it.copy(renewal = Renewal.HOST_TOKEN) }
        client.adopt("""{"access_token": "x", "expires_in": 3600}""")
        expire()
        val waiting = async { runCatching { client.token() } }
        asked.await()
        withTimeout(10_000) { client.shutdown() }
        assertTrue(waiting.await().exceptionOrNull() is AuthException.Closed)
        stopped.await()
    }

    @Test
    fun `a save that never ends does not keep a client from its end`() = runBlocking {
        val hanging = object : TokenStore {
            override suspend fun load() = null
            override suspend fun save(put: Put): SaveResult = awaitCancellation()
            override suspend fun delete() = Unit
        }
        val client = open(hanging) { it.copy(requestTimeoutMs = 300u) }
        val url = async { runCatching { client.beginLogin() } }
        withTimeout(20_000) { client.shutdown() }
        assertTrue(url.await().run { isSuccess || exceptionOrNull() is AuthException })
    }
}
