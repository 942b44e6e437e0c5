package io.github.webexoauth.client

import io.github.webexoauth.Access
import io.github.webexoauth.Event
import io.github.webexoauth.SignInReason
import io.github.webexoauth.SignedOutReason
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.mapNotNull
import kotlinx.coroutines.launch
import kotlin.time.Instant

// For apps that also use the Webex mobile SDK: its two signals, and a feed for its TokenAuthenticator.

/** What an app with the Webex SDK has to know of its sign-in. */
public sealed class AuthSignal {
    /** Only the user can help: sign in again. `WebexAuthDelegate.onReLoginRequired`. */
    public data class ReLoginRequired(val reason: SignInReason) : AuthSignal()

    /** The token has ended and could not be renewed yet; the client goes on trying. `setOnTokenExpiredListener`. */
    public object TokenExpired : AuthSignal() {
        override fun toString(): String = "TokenExpired"
    }
}

/** Signals from now on, until the client is closed. */
public val AuthClient.authSignals: Flow<AuthSignal> get() = events.mapNotNull(::signal)

private fun AuthClient.signal(event: AuthEvent): AuthSignal? = when (val said = (event as? AuthEvent.OfSession)?.event) {
    is Event.SignInNeeded -> AuthSignal.ReLoginRequired(said.reason)
    is Event.SignedOut ->
        AuthSignal.ReLoginRequired(SignInReason.SignedOut(said.reason)).takeIf { said.reason != SignedOutReason.BY_USER }
    is Event.RefreshFailed -> AuthSignal.TokenExpired.takeUnless { executor.coordinator.access(executor.now) is Access.Ready }
    else -> null
}

/** Calls [handler], on a thread of its own, whenever only the user can help. Close what it returns to hear no more. */
public fun AuthClient.onReLoginRequired(handler: (SignInReason) -> Unit): AutoCloseable =
    onSignal { if (it is AuthSignal.ReLoginRequired) handler(it.reason) }

/** Calls [handler], on a thread of its own, whenever the token has ended and could not be renewed. */
public fun AuthClient.onTokenExpired(handler: () -> Unit): AutoCloseable =
    onSignal { if (it is AuthSignal.TokenExpired) handler() }

private fun AuthClient.onSignal(handle: (AuthSignal) -> Unit): AutoCloseable {
    // Listening begins here, not when a thread is found for it.
    val events = executor.events.listen()
    val job = CoroutineScope(Dispatchers.Default).launch { for (event in events) signal(event)?.let(handle) }
    return AutoCloseable {
        executor.events.leave(events)
        job.cancel()
    }
}

/** Feeds the SDK's `TokenAuthenticator`. */
public val AuthClient.tokenProvider: TokenProvider get() = TokenProvider(this)

/** Brings tokens to the SDK's `TokenAuthenticator`, which does not renew them itself. */
public class TokenProvider internal constructor(private val client: AuthClient) {
    /** As `TokenAuthenticator.authorize(accessToken, expiryInSeconds, handler)` wants it. Printing it shows nothing. */
    public class ProvidedToken internal constructor(
        private val token: BearerToken,
        /** Whole seconds from now, if known. */
        public val expiryInSeconds: Int?,
    ) {
        /** The bare token. */
        public val accessToken: String get() = token.expose()

        internal val generation get() = token.generation

        override fun toString(): String = "ProvidedToken(redacted)"
    }

    /** A good token. Throws as [AuthClient.token]. */
    public suspend fun token(): ProvidedToken {
        val token = client.token()
        val now = Instant.fromEpochMilliseconds(client.executor.now)
        val left = token.expiresAt?.let { (it - now).inWholeSeconds }
        return ProvidedToken(token, left?.coerceIn(0, Int.MAX_VALUE.toLong())?.toInt())
    }

    /** The same in the manner of the SDK: [handler] is called on a thread of its own. */
    public fun accessToken(handler: (Result<ProvidedToken>) -> Unit) {
        CoroutineScope(Dispatchers.Default).launch {
            handler(
                try {
                    Result.success(token())
                } catch (error: AuthException) {
                    Result.failure(error)
                },
            )
        }
    }

    /**
     * Calls [authorize] with a token now and after each renewal, until the coroutine is cancelled or the client is closed.
     * Throws as [AuthClient.token] where there is no token to begin with.
     */
    public suspend fun feed(authorize: suspend (ProvidedToken) -> Unit) {
        val events = client.executor.events.listen()
        try {
            var fed = token().also { authorize(it) }
            for (event in events) {
                val said = (event as? AuthEvent.OfSession)?.event
                if (said !is Event.TokensRefreshed && said !is Event.SignedIn) continue
                val next = try {
                    token()
                } catch (_: AuthException) {
                    continue
                }
                if (next.generation != fed.generation) fed = next.also { authorize(it) }
            }
        } finally {
            client.executor.events.leave(events)
        }
    }
}
