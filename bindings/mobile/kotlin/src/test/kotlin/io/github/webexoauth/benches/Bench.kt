package io.github.webexoauth.benches

import io.github.webexoauth.Access
import io.github.webexoauth.Entropy
import io.github.webexoauth.Input
import io.github.webexoauth.Secret
import io.github.webexoauth.Session
import io.github.webexoauth.client.AuthClient
import io.github.webexoauth.client.configOf
import kotlinx.coroutines.runBlocking
import java.util.Locale

// What token() costs on a valid token, what the calls into the library would cost, and how long a cold start takes.
//
//     no argument     prints figures, measured here and now
//     login           makes one login URL and ends: for timing the whole process from outside

private const val TOKENS = """{"access_token": "token", "refresh_token": "refresh", "expires_in": 1209600}"""

private fun config() =
    configOf(clientId = "C1234", clientSecret = "s", redirectUri = "com.example.app:/callback", scope = "spark:people_read")

/** Results go here, so that nothing is left out for being without effect. */
@Volatile
private var sink: Any? = null

/** Nanoseconds for one; the best of many rounds, because others use this machine too and the compiler takes its time. */
private inline fun measure(name: String, times: Int, body: () -> Any?): Double {
    var best = Double.MAX_VALUE
    repeat(25) {
        val begun = System.nanoTime()
        repeat(times) { sink = body() }
        best = minOf(best, (System.nanoTime() - begun).toDouble() / times)
    }
    println(String.format(Locale.ROOT, "%-58s%10.0f ns", name, best))
    return best
}

fun main(arguments: Array<String>) = runBlocking {
    val begun = System.nanoTime()
    val client = AuthClient.open(config())
    val url = client.beginLogin()
    val cold = System.nanoTime() - begun
    if ("login" in arguments) {
        println(url.substringBefore(":"))
        return@runBlocking
    }
    client.cancelLogin()
    client.adopt(TOKENS)
    client.token()

    val session = Session(config(), Entropy(ByteArray(64) { it.toByte() }))
    val now = System.currentTimeMillis()
    session.handle(now, Input.Adopt(Secret(TOKENS)))

    val fast = measure("token(), the token being known to be good", 500_000) { client.token() }
    measure("authorizationHeader(), the same", 500_000) { client.authorizationHeader() }
    val clock = measure("of that: reading the clock", 500_000) { System.currentTimeMillis() }
    measure("what it does without: access() across the FFI", 5_000) { session.access(now) }
    val texts = measure("access() and the header's text across the FFI", 5_000) {
        (session.access(now) as Access.Ready).token.exposeHeader()
    }
    println("calls across the FFI in token() on a known token: 0 (0 % of its time; a test closes the session and asks on)")
    println(
        String.format(
            Locale.ROOT, "token() is %.0f times as fast as asking across the FFI; the clock is %.0f %% of it",
            texts / fast, 100 * clock / fast,
        ),
    )
    println("first client and first login URL of this process: ${cold / 1_000_000} ms")
    client.shutdown()
}
