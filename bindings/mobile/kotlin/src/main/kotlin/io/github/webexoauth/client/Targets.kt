package io.github.webexoauth.client

import io.github.webexoauth.MisuseException
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
internal fun AuthClient.judged(request: Request): Judged {
    val judged = try {
        config.judgeUrl(request.url.toString())
    } catch (error: MisuseException) {
        throw AuthException.Misuse(error)
    }
    val url = judged.target.asHttpUrl()
        ?: throw AuthException.Call("the URL means different places to different readers, so it is not called")
    return Judged(request.newBuilder().url(url).build(), judged.mayCarryToken, judged.target.isLoopback)
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
