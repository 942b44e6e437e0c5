package io.github.webexoauth.client

import io.github.webexoauth.Flow
import io.github.webexoauth.Input
import io.github.webexoauth.LoginOptions
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

    private fun heap(): Long {
        System.gc()
        Thread.sleep(300)
        return Runtime.getRuntime().run { totalMemory() - freeMemory() } / 1024
    }

    /** Kilobytes of the heap, and of the whole process, once nothing more is freed: that is the work of another thread. */
    private fun memory(): Pair<Long, Long> {
        var least = heap()
        var quiet = 0
        // The other thread may have to wait for its turn.
        while (quiet < 12) {
            val heap = heap()
            quiet = if (heap < least - 64) 0 else quiet + 1
            least = minOf(least, heap)
        }
        val line = File("/proc/self/status").readLines().single { it.startsWith("VmRSS:") }
        return least to line.split(Regex("\\s+"))[1].toLong()
    }

    private suspend fun isFlat(times: Int, warmUp: Int = times / 5, step: suspend () -> Unit) {
        // Until everything is compiled.
        repeat(warmUp) { step() }
        val (heapBefore, processBefore) = memory()
        repeat(times) { step() }
        val (heap, process) = memory()
        println("$times times: ${heap - heapBefore} KiB more of the heap, ${process - processBefore} KiB more of the process")
        assertTrue(heap - heapBefore < 8 * 1024, "${heap - heapBefore} KiB more of the heap")
        // The compilers and the allocator breathe by some megabytes; a leaked session has some kilobytes.
        assertTrue(process - processBefore < 32 * 1024, "${process - processBefore} KiB more of the process")
    }

    @Test
    fun `a hundred thousand sessions leave nothing behind`() = runBlocking {
        isFlat(100_000) { Session(config, freshEntropy()).close() }
    }

    @Test
    fun `sessions that are only let go leave nothing behind`() = runBlocking {
        // What waits for the collector piles up: the first time shows how high.
        isFlat(10_000, warmUp = 20_000) {
            Session(config, freshEntropy()).handle(0, Input.BeginLogin(LoginOptions(Flow.CODE), freshEntropy()))
        }
    }

    @Test
    fun `clients leave nothing behind`() = runBlocking {
        isFlat(5_000, warmUp = 5_000) {
            val client = AuthClient.open(config)
            client.adopt("token")
            client.token()
            client.shutdown()
        }
    }
}
