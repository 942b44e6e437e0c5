package io.github.webexoauth.client

import io.github.webexoauth.DevicePrompt
import io.github.webexoauth.Input
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.Phase
import io.github.webexoauth.Secret

// Logins: each has a ticket, by which whoever began it finds its result.

/** A login in the browser that ended well. */
class SignedIn(
    /** The callback URL without code, token and CSRF value. */
    val cleanedUrl: String?,
    /** The JSON object that was given as state when the login began. */
    val state: String?,
)

internal suspend fun Engine.beginLogin(options: LoginOptions): String {
    val entropy = freshEntropy()
    val (turn) = begin(null) { Input.BeginLogin(options, entropy) }
    settled(turn)
    return turn.url ?: throw AuthException.LoginSuperseded()
}

internal suspend fun Engine.completeLogin(callback: String): SignedIn {
    var ticket: Long? = null
    val turn = drive {
        if (session.phase() is Phase.SigningIn) ticket = logins.current()
        Input.CompleteLogin(Secret(callback))
    }
    settled(turn)
    turn.ignored?.let { throw AuthException.CallbackNotOurs(it) }
    return outcome(ticket ?: throw AuthException.LoginCancelled(), patience)
}

internal suspend fun Engine.cancelLogin() = settled(
    drive {
        logins.cancel()
        Input.CancelLogin
    },
)

internal suspend fun Engine.deviceLogin(scope: String?, show: suspend (DevicePrompt) -> Unit) {
    val (_, ticket) = begin(null) { Input.BeginDeviceLogin(scope) }
    val shown = patiently("a device code", patience) {
        logins.result(ticket)?.error?.let { throw it() }
        prompt?.takeIf { it.first == ticket }?.second
    }
    show(shown)
    outcome(ticket, maxOf(shown.expiresAt - now, 0) + patience)
}

internal suspend fun Engine.adopt(tokens: String) {
    val (turn, ticket) = begin(listOf("adopt", tokens)) { Input.Adopt(Secret(tokens)) }
    settled(turn)
    // Without an access token there is no event, and nothing to wait for.
    locked { if (logins.result(ticket) == null && logins.current() == ticket) logins.cancel() }
}

/** A sign-in that needs one input and no browser. The same [key] joins the one that is under way. */
internal suspend fun Engine.signIn(key: LoginKey, input: () -> Input) {
    val (_, ticket) = begin(key, input)
    outcome(ticket, patience)
}

private suspend fun Engine.begin(key: LoginKey, input: () -> Input): Pair<Turn, Long> = until {
    if (!desk.isFree) return@until null
    var ticket = 0L
    val turn = give(input()) {
        prompt = null
        ticket = logins.begin(key)
    }
    turn to ticket
}

private suspend fun Engine.outcome(ticket: Long, limit: Long): SignedIn = patiently("the login", limit) {
    val result = logins.result(ticket) ?: return@patiently null
    result.error?.let { throw it() }
    // Its tokens are on their way to the store: nobody uses them before.
    if (!desk.isFree) return@patiently null
    landed?.takeIf { it.first == ticket }?.second ?: SignedIn(null, null)
}
