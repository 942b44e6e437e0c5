package io.github.webexoauth.client

import io.github.webexoauth.Event

/** What a caller signs in with: the same again joins the login that is under way. `null` never joins. */
internal typealias LoginKey = List<String?>?

/** Keeps account of logins, so that nobody gets the result of somebody else's. The model is adapters/driver/src/logins.rs. */
internal class Logins {
    /** How a login ended. */
    class Result(val error: (() -> AuthException)?)

    private var last = 0L
    private var pending: Pair<Long, LoginKey>? = null
    private val results = LinkedHashMap<Long, Result>()

    /** A login begins; one that is under way is superseded, unless it is the same one. */
    fun begin(key: LoginKey): Long {
        pending?.let { (ticket, other) -> if (key != null && key == other) return ticket }
        end { AuthException.LoginSuperseded() }
        last += 1
        pending = last to key
        return last
    }

    /** The login that is under way, whoever began it; a restored one counts as well. */
    fun current(): Long = pending?.first ?: begin(null)

    /** Takes note of what the session says. [signingIn]: a login is still under way. */
    fun note(event: Event, signingIn: Boolean) {
        when (event) {
            // Somebody else's sign-in leaves our login alone.
            is Event.SignedIn -> if (!signingIn) end(null)
            is Event.LoginFailed -> end { AuthException.LoginFailed(event.fault) }
            is Event.SignedOut -> if (!signingIn) cancel()
            else -> Unit
        }
    }

    fun cancel() = end { AuthException.LoginCancelled() }

    fun result(ticket: Long): Result? = results[ticket]

    private fun end(error: (() -> AuthException)?) {
        val (ticket) = pending ?: return
        pending = null
        if (results.size >= KEPT) results.remove(results.keys.first())
        results[ticket] = Result(error)
    }

    private companion object {
        /** So many results are kept for those who have not come for them yet. */
        const val KEPT = 32
    }
}
