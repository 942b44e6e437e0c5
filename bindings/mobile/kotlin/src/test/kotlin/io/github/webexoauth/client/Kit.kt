package io.github.webexoauth.client

import io.github.webexoauth.ConfigParts
import io.github.webexoauth.junit.Simulator
import kotlinx.coroutines.delay
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.fail
import org.junit.jupiter.api.Timeout
import kotlin.time.Clock
import kotlin.time.Duration
import kotlin.time.Duration.Companion.days

/** What tests against the simulator have in common: a world of its own for each. */
@Timeout(120)
abstract class SimulatorTest {
    protected val simulator = Simulator()

    /** What the clients of a test believe the time to be, beside the machine's. */
    @Volatile
    private var ahead = Duration.ZERO
    protected val clock = object : Clock {
        override fun now() = Clock.System.now() + ahead
    }
    protected val options = ClientOptions(clock)

    @AfterEach
    fun stop() = simulator.close()

    protected suspend fun open(
        store: TokenStore? = null,
        transport: HttpTransport = OkHttpTransport.shared,
        options: ClientOptions = this.options,
        change: (ConfigParts) -> ConfigParts = { it },
    ) = AuthClient.open(simulator.config(change = change), store, transport, options)

    protected suspend fun signedIn(
        store: TokenStore? = null,
        transport: HttpTransport = OkHttpTransport.shared,
        options: ClientOptions = this.options,
        change: (ConfigParts) -> ConfigParts = { it },
    ) = open(store, transport, options, change).also { it.adopt(simulator.issue()) }

    /** Access tokens have ended, refresh tokens have not. */
    protected fun expire() {
        simulator.advance(15.days)
        ahead += 15.days
    }

    /** The answer to the next refresh waits for a release. */
    protected fun hold() = simulator.fault("hold", "after" to true, "grant_type" to "refresh_token")

    protected fun release() = simulator.control("release", "{}")
}

suspend fun eventually(what: String, condition: () -> Boolean) {
    repeat(6000) {
        if (condition()) return
        delay(10)
    }
    fail<Unit>("$what did not come")
}

inline fun <reified E : Throwable> fails(body: () -> Unit): E {
    try {
        body()
    } catch (error: Throwable) {
        if (error is E) return error
        throw error
    }
    return fail("nothing was thrown")
}

/** What must never be seen. */
class Leak : RuntimeException("$SECRET in the text of a foreign exception", IllegalStateException(SECRET)) {
    companion object {
        const val SECRET = "hunter2"
    }
}

/** All that a log could show of an exception. */
fun printed(error: Throwable): String = "$error ${error.message} ${error.localizedMessage} ${error.stackTraceToString()}"
