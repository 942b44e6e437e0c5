package io.github.webexoauth.junit

import io.github.webexoauth.client.AuthClient
import io.github.webexoauth.client.AuthException
import io.github.webexoauth.client.configFromVariables
import io.github.webexoauth.client.fails
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.RepeatedTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.extension.ExtendWith
import kotlin.time.Clock
import kotlin.time.Duration.Companion.days

@ExtendWith(SimulatorExtension::class)
class SimulatorExtensionTest {
    @RepeatedTest(2)
    fun `each test finds a fresh world`(simulator: Simulator) = runBlocking {
        assertEquals(0, simulator.counter("refreshes_succeeded"))
        val client = AuthClient.open(simulator.config())
        client.adopt(simulator.issue())
        client.refresh()
        assertEquals(1, simulator.counter("refreshes_succeeded"))
        client.shutdown()
    }

    @Test
    fun `its variables are a configuration`(simulator: Simulator) = runBlocking {
        val client = AuthClient.open(configFromVariables(simulator.variables))
        client.completeLogin(simulator.authorize(client.beginLogin()))
        val token = client.token()
        assertTrue(checkNotNull(token.expiresAt) > Clock.System.now() + 1.days)
        client.shutdown()
    }

    @Test
    fun `what goes wrong is up to the test`(simulator: Simulator) = runBlocking {
        val client = AuthClient.open(simulator.config())
        client.adopt(simulator.issue())
        simulator.fault("status", "status" to 503, "grant_type" to "refresh_token")
        assertTrue(fails<AuthException.Unavailable> { client.refresh() }.retryAt > Clock.System.now())
        simulator.revokeAll()
        client.shutdown()
    }

    @Test
    fun `two that a test starts itself know nothing of each other`() {
        Simulator().use { one -> Simulator("--rotate").use { other -> assertNotEquals(one.baseUrl, other.baseUrl) } }
    }

    @Test
    fun `without the program it says how to get it`() {
        val error = fails<IllegalStateException> { start("/nowhere/webex-oauth-simulator", emptyArray()) }
        assertTrue("cargo install" in error.message.orEmpty())
        fails<IllegalStateException> { Simulator("--no-such-option") }
    }
}
