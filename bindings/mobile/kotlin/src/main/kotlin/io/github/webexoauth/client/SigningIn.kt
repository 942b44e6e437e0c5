package io.github.webexoauth.client

import io.github.webexoauth.CallbackIgnored
import io.github.webexoauth.DevicePrompt
import io.github.webexoauth.Input
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.Secret
import io.github.webexoauth.WhichLogin
import io.github.webexoauth.loginId

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
    val turn = drive { Input.BeginLogin(options, entropy) }
    settled(turn)
    return turn.url ?: throw AuthException.LoginSuperseded()
}

internal suspend fun Engine.completeLogin(callback: String): SignedIn {
    val id = loginId(Secret(callback))
    var looked = store == null
    while (true) {
        var ticket: Long? = null
        val turn = until {
            if (!desk.isFree) return@until null
            give(Input.CompleteLogin(Secret(callback))) { if (desk.ignored == null) ticket = logins.cameBack(id) }
        }
        settled(turn)
        ticket?.let { return outcome(it, patience) }
        val reason = turn.ignored ?: throw AuthException.LoginCancelled()
        if (reason == CallbackIgnored.ALREADY_COMPLETED) {
            val underWay = locked { logins.underWay(id) }
            return if (underWay == null) SignedIn(null, null) else outcome(underWay, patience)
        }
        // Another process may have begun the login: the store knows.
        if (looked || reason !in MAY_BE_ELSEWHERE) throw AuthException.CallbackNotOurs(reason)
        looked = true
        lookIntoStore()
    }
}

private val MAY_BE_ELSEWHERE =
    setOf(CallbackIgnored.NO_LOGIN_PENDING, CallbackIgnored.WRONG_STATE, CallbackIgnored.OTHER_URL)

internal suspend fun Engine.cancelLogin(of: String?) = settled(
    drive {
        val id = of?.let { loginId(Secret(it)) }
        if (of == null || logins.underWay(id) != null) logins.cancel()
        Input.CancelLogin(of?.let { WhichLogin.Browser(Secret(it)) } ?: WhichLogin.All)
    },
)

internal suspend fun Engine.cancelLoginUnderWay() = settled(
    drive {
        logins.cancel()
        Input.CancelLogin(WhichLogin.UnderWay)
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
    locked { if (logins.current() == ticket) logins.cancel() }
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
