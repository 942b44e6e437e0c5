package io.github.webexoauth.client

import io.github.webexoauth.HttpRequest
import io.github.webexoauth.HttpResponse
import io.github.webexoauth.Renewal
import io.github.webexoauth.ResponseHeader
import io.github.webexoauth.Secret
import io.github.webexoauth.SendFault
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import okhttp3.Interceptor
import okhttp3.MediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.ResponseBody
import okio.BufferedSource
import okio.Source
import okio.Timeout
import okio.buffer
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import java.io.FilterInputStream
import java.io.InputStream
import java.net.InetAddress
import java.net.Socket
import java.util.concurrent.ConcurrentLinkedQueue
import javax.net.SocketFactory
import kotlin.time.Duration.Companion.seconds

/** Stores, transports and callbacks are the host's: whatever they do, the app goes on and no text of theirs is shown. */
class HostileTest : SimulatorTest() {
    /** What would have ended an Android app. */
    private val uncaught = ConcurrentLinkedQueue<Throwable>()
    private val before = Thread.getDefaultUncaughtExceptionHandler()

    @BeforeEach
    fun watch() = Thread.setDefaultUncaughtExceptionHandler { _, error -> uncaught.add(error) }

    @AfterEach
    fun nothingEndedAThread() {
        Thread.setDefaultUncaughtExceptionHandler(before)
        assertEquals(emptyList<Throwable>(), uncaught.toList())
    }

    private class Store(
        val onLoad: suspend () -> Secret? = { null },
        val onSave: suspend (Put) -> SaveResult = { SaveResult.Stored },
        val onLock: suspend () -> StoreLock? = { StoreLock {} },
    ) : TokenStore {
        override suspend fun load() = onLoad()
        override suspend fun save(put: Put) = onSave(put)
        override suspend fun delete() = Unit
        override val lockDomain = "a lock"
        override suspend fun tryLock() = onLock()
    }

    private class Transport(val answer: suspend (HttpRequest) -> HttpResponse) : HttpTransport {
        override suspend fun send(request: HttpRequest): HttpResponse = answer(request)
    }

    @Test
    fun `a store that throws loses nothing and tells nothing`() = runBlocking {
        val client = open(Store(onSave = { throw Leak() }, onLock = { throw Leak() }))
        val events = ArrayList<AuthEvent>()
        val listening = launch(start = CoroutineStart.UNDISPATCHED) { client.events.toList(events) }
        client.adopt(simulator.issue())
        expire()
        assertEquals(2L, client.token().generation)
        val error = fails<AuthException.Store> { client.signOut() }
        client.shutdown()
        listening.join()
        assertTrue(events.any { it is AuthEvent.StoreFailed })
        val text = printed(error) + events + events.filterIsInstance<AuthEvent.StoreFailed>().map { printed(it.problem) }
        assertTrue("Leak" in text)
        assertFalse(Leak.SECRET in text, text)
    }

    /** A living token is not renewed whose successor could not be kept; Webex's refresh token stays the same, so a dead one is. */
    private suspend fun goesOn(client: AuthClient) {
        fails<AuthException.Store> { client.refresh() }
        assertEquals(1L, client.token().generation)
        expire()
        assertEquals(2L, client.token().generation)
    }

    @Test
    fun `a store that throws errors, or says it was cancelled`() = runBlocking {
        for (thrown in listOf(NotImplementedError(Leak.SECRET), CancellationException(Leak.SECRET), StackOverflowError())) {
            val error = fails<AuthException.Store> { open(Store(onLoad = { throw thrown })) }
            assertFalse(Leak.SECRET in printed(error))
            var isBroken = false
            val client = signedIn(
                Store(
                    onLoad = { if (isBroken) throw thrown else null },
                    onSave = { if (isBroken) throw thrown else SaveResult.Stored },
                    onLock = { if (isBroken) throw thrown else StoreLock { throw thrown } },
                ),
            )
            isBroken = true
            goesOn(client)
            client.shutdown()
        }
    }

    @Test
    fun `a store that answers nonsense`() = runBlocking {
        for (nonsense in listOf("", "nonsense", "{}", "[".repeat(10_000), "\u0000", "x".repeat(1_000_000))) {
            fails<AuthException.Restore> { open(Store(onLoad = { Secret(nonsense) })) }
            var found = false
            val client = signedIn(
                Store(
                    onLoad = { if (found) Secret(nonsense) else null },
                    onSave = { if (found) SaveResult.Conflict(Secret(nonsense)) else SaveResult.Stored },
                ),
            )
            found = true
            goesOn(client)
            client.shutdown()
        }
    }

    @Test
    fun `a store that always says that it holds what was to be replaced`() = runBlocking {
        val memory = MemoryStore()
        var contradicts = false
        val client = signedIn(
            Store(memory::load, { if (contradicts) SaveResult.Conflict(memory.load()!!) else memory.save(it) }),
        )
        contradicts = true
        goesOn(client)
        assertEquals(StoreException.Kind.DAMAGED, fails<AuthException.Store> { client.signOut() }.problem.kind)
        client.shutdown()
    }

    private class FillingUp(val memory: MemoryStore) : TokenStore by memory {
        @Volatile
        var isFull = false

        override suspend fun save(put: Put) =
            if (isFull) throw StoreException(StoreException.Kind.FULL, "full") else memory.save(put)
    }

    @Test
    fun `a store works again also where another process has stored since`() = runBlocking {
        val store = FillingUp(MemoryStore())
        val client = signedIn(store)
        val other = open(store.memory)
        val events = ArrayList<AuthEvent>()
        val listening = launch(start = CoroutineStart.UNDISPATCHED) { client.events.toList(events) }
        store.isFull = true
        client.adopt(simulator.issue())
        expire()
        repeat(3) { other.adopt(simulator.issue()) }
        store.isFull = false
        client.cancelLogin()
        client.shutdown()
        listening.join()
        assertTrue(events.any { it is AuthEvent.StoreFailed } && AuthEvent.StoreRecovered in events)
        other.shutdown()
    }

    @Test
    fun `a transport that throws is a lost request`() = runBlocking {
        for (thrown in listOf(Leak(), NotImplementedError(Leak.SECRET), CancellationException(Leak.SECRET))) {
            val client = signedIn(transport = Transport { throw thrown })
            expire()
            val error = fails<AuthException.Unavailable> { client.token() }
            assertEquals(SendFault.LOST, error.fault.send)
            assertFalse(Leak.SECRET in printed(error))
            client.shutdown()
        }
    }

    @Test
    fun `a transport that blocks its thread and never ends is given up`() = runBlocking {
        val blocking = Transport { Thread.sleep(60_000).let { throw Leak() } }
        // More of them than there are processors.
        val clients = List(8) { signedIn(transport = blocking) { it.copy(requestTimeoutMs = 300u) } }
        expire()
        for (client in clients) {
            assertEquals(SendFault.LOST, fails<AuthException.Unavailable> { client.token() }.fault.send)
            client.close()
        }
    }

    @Test
    fun `a transport that answers nonsense`() = runBlocking {
        val answers = listOf<() -> HttpResponse>(
            { HttpResponse(0u, emptyList(), ByteArray(0)) },
            { HttpResponse(65535u, emptyList(), ByteArray(100_000) { it.toByte() }) },
            { HttpResponse(200u, List(1000) { ResponseHeader("x", "y".repeat(1000)) }, "[".repeat(100_000).toByteArray()) },
            { HttpResponse(200u, listOf(ResponseHeader("retry-after", "\uD800")), ByteArray(0)) },
            { HttpResponse(200u, emptyList(), """{"access_token": "\ud800", "expires_in": -1}""".toByteArray()) },
        )
        for (answer in answers) {
            val client = signedIn(transport = Transport { answer() })
            expire()
            fails<AuthException.Unavailable> { client.token() }
            client.shutdown()
        }
    }

    @Test
    fun `the host's callbacks may throw, and bring nonsense`() = runBlocking {
        val answers = listOf<() -> Secret>(
            { throw Leak() }, { throw NotImplementedError() }, { Secret("") }, { Secret("\uD800") }, { Secret("a b\u0000") },
        )
        for (answer in answers) {
            val asking = ClientOptions(clock, patience = 30.seconds, askForToken = { answer() }, askForJwt = { answer() })
            for (renewal in listOf(Renewal.HOST_TOKEN, Renewal.HOST_JWT)) {
                val client = open(options = asking) { it.copy(renewal = renewal) }
                client.adopt("""{"access_token": "x", "expires_in": 3600}""")
                expire()
                val error = fails<AuthException.Unavailable> { client.token() }
                assertFalse(Leak.SECRET in printed(error) + client.status, printed(error))
                client.shutdown()
            }
        }
    }

    /** Breaks in its own way after the first part. */
    private class Breaking(input: InputStream) : FilterInputStream(input) {
        private var reads = 0
        override fun read(b: ByteArray, off: Int, len: Int): Int = if (reads++ == 0) super.read(b, off, len) else throw Leak()
    }

    private object BreakingSockets : SocketFactory() {
        override fun createSocket() = object : Socket() {
            override fun getInputStream(): InputStream = Breaking(super.getInputStream())
        }
        override fun createSocket(host: String?, port: Int) = throw UnsupportedOperationException()
        override fun createSocket(h: String?, p: Int, l: InetAddress?, q: Int) = throw UnsupportedOperationException()
        override fun createSocket(host: InetAddress?, port: Int) = throw UnsupportedOperationException()
        override fun createSocket(h: InetAddress?, p: Int, l: InetAddress?, q: Int) = throw UnsupportedOperationException()
    }

    @Test
    fun `OkHttp's thread survives a body that breaks in its own way`() = runBlocking {
        val base = OkHttpClient.Builder().socketFactory(BreakingSockets).build()
        val client = signedIn(transport = OkHttpTransport(base))
        expire()
        simulator.fault("huge", "length" to 60000, "grant_type" to "refresh_token")
        val error = fails<AuthException.Unavailable> { client.token() }
        assertEquals(SendFault.LOST, error.fault.send)
        assertFalse(Leak.SECRET in printed(error))
        client.shutdown()
    }

    @Test
    fun `a call whose answer breaks in its own way is a typed error`() = runBlocking {
        val client = signedIn()
        val breaking = Interceptor { chain ->
            val body = object : ResponseBody() {
                override fun contentLength() = -1L
                override fun contentType(): MediaType? = null
                override fun source(): BufferedSource = object : Source {
                    override fun close() = Unit
                    override fun read(sink: okio.Buffer, byteCount: Long): Long = throw Leak()
                    override fun timeout() = Timeout.NONE
                }.buffer()
            }
            chain.proceed(chain.request()).newBuilder().body(body).build()
        }
        val http = OkHttpClient.Builder().addInterceptor(breaking).build()
        val request = Request.Builder().url("${simulator.baseUrl}/v1/people/me").build()
        val error = fails<AuthException.Call> { client.call(request, http = http) }
        assertFalse(Leak.SECRET in printed(error))
        client.shutdown()
    }

    @Test
    fun `a thread that was interrupted gets an exception that OkHttp knows`() = runBlocking {
        val client = signedIn()
        expire()
        val http = OkHttpClient.Builder().authorizedBy(client).build()
        val request = Request.Builder().url("${simulator.baseUrl}/v1/people/me").build()
        var thrown: Throwable? = null
        val thread = Thread {
            Thread.currentThread().interrupt()
            thrown = runCatching { http.newCall(request).execute().close() }.exceptionOrNull()
        }
        thread.start()
        thread.join()
        assertTrue(thrown is java.io.IOException, thrown.toString())
        client.shutdown()
    }
}
