package io.github.webexoauth.client

import io.github.webexoauth.Event

/** What a caller signs in with: the same again joins the login that is under way. `null` never joins. */
internal typealias LoginKey = List<String?>?

/** Keeps account of logins, so that nobody gets the result of somebody else's. The model is adapters/driver/src/logins.rs. */
internal class Logins {
    /** How a login ended. */
    class Result(val error: (() -> AuthException)?)

    private var last = 0L
    /** The one under way; of one whose browser came back, which one. */
    private class Pending(val ticket: Long, val key: LoginKey, val id: String?)

    private var pending: Pending? = null
    private val results = LinkedHashMap<Long, Result>()

    /** A login begins; one that is under way is superseded, unless it is the same one. */
    fun begin(key: LoginKey): Long {
        pending?.let { if (key != null && key == it.key) return it.ticket }
        return start(key, null)
    }

    /** The browser came back: its login is under way now, and supersedes one that is. */
    fun cameBack(id: String?): Long = start(null, id)

    private fun start(key: LoginKey, id: String?): Long {
        end { AuthException.LoginSuperseded() }
        last += 1
        pending = Pending(last, key, id)
        return last
    }

    /** The login that is under way. */
    fun current(): Long? = pending?.ticket

    /** This login in a browser, if it is under way. */
    fun underWay(id: String?): Long? = pending?.takeIf { id != null && it.id == id }?.ticket

    /** Takes note of what the session says. [signingIn]: a login is still under way. */
    fun note(event: Event, signingIn: Boolean) {
        when (event) {
            // Somebody else's sign-in leaves our login alone.
            is Event.SignedIn -> if (!signingIn || underWay(event.login) != null) end(null)
            // Others that wait for their browser are nobody's here.
            is Event.LoginFailed -> if (pending?.id == event.login) end { AuthException.LoginFailed(event.fault) }
            is Event.SignedOut -> if (!signingIn) cancel()
            else -> Unit
        }
    }

    fun cancel() = end { AuthException.LoginCancelled() }

    fun result(ticket: Long): Result? = results[ticket]

    private fun end(error: (() -> AuthException)?) {
        val ended = pending ?: return
        pending = null
        if (results.size >= KEPT) results.remove(results.keys.first())
        results[ended.ticket] = Result(error)
    }

    private companion object {
        /** So many results are kept for those who have not come for them yet. */
        const val KEPT = 32
    }
}
