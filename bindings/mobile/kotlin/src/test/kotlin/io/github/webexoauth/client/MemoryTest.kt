package io.github.webexoauth.client

import io.github.webexoauth.Flow
import io.github.webexoauth.Input
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.Secret
import io.github.webexoauth.Session
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS
import java.io.File

/** Looks at the memory of the whole process: what is native is not seen by Java. */
@EnabledOnOs(OS.LINUX)
@Timeout(900)
class MemoryTest {
    private val config = configOf(clientId = "c", clientSecret = "s", redirectUri = "https://example.com/")

    private fun residentKiB(): Long {
        // What can be collected is not what is looked for; freeing it is the work of another thread.
        repeat(3) {
            System.gc()
            Thread.sleep(200)
        }
        val line = File("/proc/self/status").readLines().single { it.startsWith("VmRSS:") }
        return line.split(Regex("\\s+"))[1].toLong()
    }

    private suspend fun isFlat(times: Int, step: suspend () -> Unit) {
        // The heap's limit is reached, and everything compiled.
        repeat(times / 4) { step() }
        val before = residentKiB()
        repeat(times) { step() }
        val grown = residentKiB() - before
        println("$times times: $grown KiB more than $before KiB")
        // The heap itself breathes by some megabytes; half a kilobyte of each session would be fifty.
        assertTrue(grown < 48 * 1024, "$grown KiB more")
    }

    @Test
    fun `a hundred thousand sessions leave nothing behind`() = runBlocking {
        isFlat(100_000) {
            Session(config, freshEntropy()).use { session ->
                session.handle(0, Input.BeginLogin(LoginOptions(Flow.CODE), freshEntropy())).tasks.forEach { it.close() }
            }
        }
    }

    @Test
    fun `sessions that are only let go leave nothing behind`() = runBlocking {
        isFlat(100_000) { Session(config, freshEntropy()).handle(0, Input.Adopt(Secret("token"))) }
    }

    @Test
    fun `clients leave nothing behind`() = runBlocking {
        isFlat(10_000) {
            val client = AuthClient.open(config)
            client.adopt("token")
            client.token()
            client.shutdown()
        }
    }
}
