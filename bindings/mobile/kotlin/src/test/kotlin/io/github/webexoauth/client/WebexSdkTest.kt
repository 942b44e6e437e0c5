package io.github.webexoauth.client

import io.github.webexoauth.SignInReason
import io.github.webexoauth.SignedOutReason
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger

class WebexSdkTest : SimulatorTest() {
    @Test
    fun `the SDK hears that the user has to sign in again`() = runBlocking {
        val client = signedIn()
        val heard = ConcurrentLinkedQueue<SignInReason>()
        val subscription = client.onReLoginRequired { heard.add(it) }
        val signals = async(start = CoroutineStart.UNDISPATCHED) { client.authSignals.toList() }
        simulator.revokeAll()
        expire()
        fails<AuthException.SignInRequired> { client.token() }
        eventually("the signal") { heard.isNotEmpty() }
        assertEquals(SignInReason.SignedOut(SignedOutReason.GRANT_ENDED), heard.first())
        client.shutdown()
        assertTrue(signals.await().first() is AuthSignal.ReLoginRequired)
        subscription.close()
    }

    @Test
    fun `the SDK hears that its token has ended`() = runBlocking {
        val client = signedIn()
        val heard = AtomicInteger()
        val subscription = client.onTokenExpired { heard.incrementAndGet() }
        simulator.control("down", """{"down": true}""")
        expire()
        fails<AuthException.Unavailable> { client.token() }
        eventually("the signal") { heard.get() == 1 }
        subscription.close()
        client.shutdown()
    }

    @Test
    fun `signing out by oneself is no signal`() = runBlocking {
        val client = signedIn()
        val signals = async(start = CoroutineStart.UNDISPATCHED) { client.authSignals.toList() }
        client.signOut()
        client.shutdown()
        assertEquals(emptyList<AuthSignal>(), signals.await())
    }

    @Test
    fun `the SDK's authenticator is fed now and after each renewal`() = runBlocking {
        val client = signedIn()
        val fed = ConcurrentLinkedQueue<String>()
        val feeding = launch(Dispatchers.Default) {
            client.tokenProvider.feed {
                assertTrue(it.expiryInSeconds!! > 3000)
                fed.add(it.accessToken)
            }
        }
        val first = client.token().expose()
        eventually("the first") { fed.toList() == listOf(first) }
        client.refresh()
        val second = client.token().expose()
        eventually("the second") { fed.toList() == listOf(first, second) }
        val handed = CompletableDeferred<Result<TokenProvider.ProvidedToken>>()
        client.tokenProvider.accessToken { handed.complete(it) }
        assertEquals(second, handed.await().getOrThrow().accessToken)
        client.shutdown()
        // Ends with the client.
        feeding.join()
        val refused = CompletableDeferred<Result<TokenProvider.ProvidedToken>>()
        client.tokenProvider.accessToken { refused.complete(it) }
        assertTrue(refused.await().exceptionOrNull() is AuthException.Closed)
    }
}
