package io.github.webexoauth.client

import io.github.webexoauth.MisuseException
import io.github.webexoauth.Verdict
import okhttp3.Authenticator
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody

/** The answer of an API. Printing it shows neither headers nor body. */
class ApiResponse internal constructor(
    val status: Int,
    /** Names in lower case. */
    val headers: Map<String, String>,
    val body: ByteArray,
    /** Why the token of a 401 could not be replaced, where that was tried. */
    val refreshError: AuthException? = null,
) {
    internal fun because(error: AuthException) = ApiResponse(status, headers, body, error)

    override fun toString(): String = "HTTP $status, ${body.size} bytes"
}

/**
 * Calls an API. Every status is an answer; redirects are not followed. The token goes to the configured hosts only, and
 * never in place of an `Authorization` of the caller's own: such requests are sent as they are. With the token, a 401 is
 * told to the session, and the call is made once more if that brought another one; 429 and 423 are waited out as
 * `Retry-After` says, within [maxWaitMillis] in all; 451 ends the session.
 *
 * Throws as [AuthClient.token], [AuthException.Call] where no complete answer came, and [AuthException.Misuse] for a URL
 * that others may read as another host.
 */
suspend fun AuthClient.call(
    request: Request,
    maxWaitMillis: Long = 60_000,
    maxBody: Long = 64L * 1024 * 1024,
    http: OkHttpClient = sharedHttp,
): ApiResponse = call(judged(request), maxWaitMillis, maxBody, http)

/**
 * The same for a URL as it is written: what others may read as another host is refused before any library of theirs has
 * read it.
 */
suspend fun AuthClient.call(
    url: String,
    method: String = "GET",
    headers: Map<String, String> = emptyMap(),
    body: RequestBody? = null,
    maxWaitMillis: Long = 60_000,
    maxBody: Long = 64L * 1024 * 1024,
    http: OkHttpClient = sharedHttp,
): ApiResponse {
    val judged = judged(url) { addressed ->
        val request = Request.Builder().url(addressed)
        try {
            for ((name, value) in headers) request.header(name, value)
            request.method(method, body).build()
        } catch (_: IllegalArgumentException) {
            throw AuthException.Misuse(MisuseException.InvalidArgument("request", "OkHttp does not take its method or a header"))
        }
    }
    return call(judged, maxWaitMillis, maxBody, http)
}

private suspend fun AuthClient.call(judged: Judged, maxWaitMillis: Long, maxBody: Long, http: OkHttpClient): ApiResponse {
    val calls = http.newBuilder().directly(judged.isLoopback).timedFromOutside().authenticator(Authenticator.NONE)
        .addNetworkInterceptor(HeaderInterceptor(this)).addNetworkInterceptor(Sent.Noted).followRedirects(false).build()
    val timeout = engine.requestTimeout
    if (judged.request.header("Authorization") != null || !judged.mayCarryToken) {
        engine.checkOpen()
        if (judged.request.header("Authorization") == null) engine.withheld(judged.request.url.toString())
        return calls.answer(judged.request, timeout, maxBody)
    }
    var token = token()
    var left = maxWaitMillis
    var mayReplay = true
    while (true) {
        val answer = calls.answer(judged.request.carrying(token), timeout, maxBody)
        when (val verdict = judge(answer.status, answer.headers["retry-after"])) {
            is Verdict.Pass -> return answer
            is Verdict.Wait -> {
                val wait = verdict.waitMs.toLong()
                if (wait < 0 || wait > left) return answer
                left -= wait
                engine.pause(wait)
            }
            is Verdict.Embargoed -> {
                engine.embargoed()
                return answer
            }
            is Verdict.Rejected -> {
                rejected(token)
                if (!mayReplay) return answer
                mayReplay = false
                val newer = try {
                    token()
                } catch (error: AuthException) {
                    return answer.because(error)
                }
                if (newer.generation == token.generation) return answer
                token = newer
            }
        }
    }
}

private suspend fun OkHttpClient.answer(request: Request, timeoutMillis: Long, limit: Long): ApiResponse {
    val sent = Sent()
    val (response, body) = try {
        newCall(request.newBuilder().tag(Sent::class.java, sent).build()).exchange(sent, timeoutMillis, limit)
    } catch (error: TransportException) {
        throw AuthException.Call(error.fault, error.message.orEmpty())
    }
    return ApiResponse(response.code, response.headers.toMultimap().mapValues { it.value.joinToString(", ") }, body)
}
