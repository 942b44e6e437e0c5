package io.github.webexoauth.client

import io.github.webexoauth.Access
import io.github.webexoauth.Input
import io.github.webexoauth.MisuseException
import io.github.webexoauth.Secret
import io.github.webexoauth.SignInReason

// How callers come by a token.

/** So often one caller gives an input for a token that arrives stale. */
private const val MOST_ASKED = 4

internal suspend fun Engine.token(): BearerToken {
    val known = fresh
    val now = now
    if (known != null && now >= known.from && now < known.until) return known.token
    return obtain(null)
}

/** `null` asks for the token itself, a scope for a user token with that. */
internal suspend fun Engine.obtain(scope: String?): BearerToken = try {
    obtainHere(scope)
} catch (error: AuthException) {
    // Another process may have signed in, or been luckier.
    val mayHelp = error is AuthException.SignInRequired || error is AuthException.Unavailable
    if (!mayHelp || store == null || !lookIntoStore()) throw error
    obtainHere(scope)
}

private suspend fun Engine.obtainHere(scope: String?): BearerToken {
    var asked = 0
    return patiently("a token", patience) {
        when (val access = desk.access(now, scope)) {
            null, is Access.Refreshing -> null
            is Access.Ready -> ready(scope, access)
            is Access.Stale -> {
                if (desk.isFree) {
                    if (asked++ >= MOST_ASKED) throw endlesslyStale(access.expiresAt)
                    val usable = scope != null && desk.access(now, null) is Access.Ready
                    give(if (scope != null && usable) Input.Downscope(scope) else Input.EnsureFresh)
                }
                null
            }
            is Access.BackingOff -> throw AuthException.Unavailable(access.fault, access.retryAt)
            is Access.SignInRequired -> throw AuthException.SignInRequired(access.reason)
        }
    }
}

private fun Engine.ready(scope: String?, access: Access.Ready): BearerToken {
    val token = access.token
    val answer = BearerToken(token.expose(), token.exposeHeader(), access.generation.toLong(), access.expiresAt)
    if (access.refreshSoon) {
        // Behind the scenes: the caller has nothing to do with it.
        post(Input.EnsureFresh)
    } else if (scope == null && desk.isSettled) {
        val now = now
        session.fresh(now)?.let { fresh = Fresh(answer, now, it.until) }
    }
    return answer
}

/** What arrives is stale again and again: there is no token to be had from this server. */
private fun Engine.endlesslyStale(expiresAt: Long?): AuthException {
    val fault = session.status(now).lastFault ?: return AuthException.SignInRequired(SignInReason.Expired)
    return AuthException.Unavailable(fault, expiresAt ?: now)
}

internal suspend fun Engine.refresh() {
    var renewedBefore = 0L
    var failedBefore = 0L
    val turn = try {
        drive {
            renewedBefore = renewed
            failedBefore = notRenewed
            Input.Refresh
        }
    } catch (error: AuthException.Misuse) {
        if (error.problem !is MisuseException.NotSignedIn) throw error
        // With the reason, as for a token.
        token()
        return
    }
    patiently("a refresh", patience) {
        val failure = lastFailure
        when {
            !isDone(turn) || !desk.isFree -> null
            renewed > renewedBefore -> Unit
            notRenewed > failedBefore && failure != null -> throw AuthException.Unavailable(failure.first, failure.second)
            else -> refreshNotBegun()
        }
    }
}

private fun Engine.refreshNotBegun(): Unit? {
    val status = session.status(now)
    if (status.isRefreshing) return null
    if (session.tokens() == null) {
        val access = session.access(now) as? Access.SignInRequired
        throw AuthException.SignInRequired(access?.reason ?: SignInReason.Expired)
    }
    status.lastFault?.let { throw AuthException.Unavailable(it, session.wakeAt() ?: now) }
    return Unit
}

/** An API refused the token of this generation. */
internal suspend fun Engine.rejected(generation: Long) = settled(drive { Input.TokenRejected(generation.toULong()) })

internal suspend fun Engine.embargoed() = settled(drive { Input.Embargoed })

/** The token may not go there: told once for each host. */
internal suspend fun Engine.withheld(url: String) = settled(drive { Input.CalledWithoutToken(Secret(url)) })
