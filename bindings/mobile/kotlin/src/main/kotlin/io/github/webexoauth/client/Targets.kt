package io.github.webexoauth.client

import io.github.webexoauth.MisuseException
import io.github.webexoauth.SendFault
import io.github.webexoauth.TargetUri
import okhttp3.HttpUrl
import okhttp3.HttpUrl.Companion.toHttpUrlOrNull
import okhttp3.OkHttpClient
import okhttp3.Request
import java.net.Proxy

/**
 * OkHttp's URL of what core has judged. Null where OkHttp would connect elsewhere than core says, or ask for something
 * else there: two readings of one text are how a token goes astray.
 */
internal fun TargetUri.asHttpUrl(): HttpUrl? = url.toHttpUrlOrNull()?.takeIf { it.isAt(this) }

private fun HttpUrl.isAt(target: TargetUri): Boolean {
    val requestTarget = encodedPath + (encodedQuery?.let { "?$it" } ?: "")
    return scheme == target.scheme && host == target.host && port == target.port.toInt() &&
        requestTarget == target.requestTarget && username.isEmpty() && password.isEmpty()
}

/** This request, addressed as core has judged its URL, and whether the token may go there. */
internal fun AuthClient.judged(request: Request): Judged = judged(request.url.toString()) { request.newBuilder().url(it).build() }

/** The request that [make] makes of the URL that core has read in this text. */
internal fun AuthClient.judged(text: String, make: (HttpUrl) -> Request): Judged {
    val judged = try {
        known.judge.judgeUrl(text)
    } catch (error: MisuseException) {
        throw AuthException.Misuse(error)
    }
    val problem = "the URL means different places to different readers, so it is not called"
    val url = judged.target.asHttpUrl() ?: throw AuthException.Call(SendFault.NOT_SENT, problem)
    return Judged(make(url), judged.mayCarryToken, judged.target.isLoopback)
}

internal class Judged(val request: Request, val mayCarryToken: Boolean, val isLoopback: Boolean)

/** Whether the token may go with this request, to the place where OkHttp connects. */
internal fun AuthClient.mayCarryToken(request: Request): Boolean = try {
    judged(request).mayCarryToken
} catch (_: AuthException) {
    false
}

/** What stays on this machine is no proxy's business: plain http is allowed there because nobody else sees it. */
internal fun OkHttpClient.Builder.directly(isLoopback: Boolean): OkHttpClient.Builder =
    if (isLoopback) proxy(Proxy.NO_PROXY) else this
