package io.github.webexoauth.client

import io.github.webexoauth.CoordinatorCall
import io.github.webexoauth.CoordinatorReply
import io.github.webexoauth.MisuseException
import io.github.webexoauth.NextStep
import io.github.webexoauth.Spent
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
    if (executor.coordinator.isClosing()) throw AuthException.Closed()
    val calls = http.newBuilder().directly(judged.isLoopback).timedFromOutside().authenticator(Authenticator.NONE)
        .addNetworkInterceptor(HeaderInterceptor(this)).addNetworkInterceptor(Sent.Noted).followRedirects(false).build()
    val timeout = config.parts().requestTimeoutMs.toLong()
    if (judged.request.header("Authorization") != null) return calls.answer(judged.request, timeout, maxBody)
    if (!judged.mayCarryToken) {
        executor.calledWithoutToken(judged.request.url.toString())
        return calls.answer(judged.request, timeout, maxBody)
    }
    var token = token()
    var spent = Spent(0u, 0u, maxWaitMillis.coerceAtLeast(0).toULong())
    while (true) {
        val answer = calls.answer(judged.request.carrying(token), timeout, maxBody)
        when (val next = executor.answered(token.generation, answer.status, answer.headers["retry-after"], spent)) {
            is NextStep.Return -> return next.why?.let { answer.because(executor.error(it)) } ?: answer
            is NextStep.Again -> {
                token = bearer(next.token, next.generation, null)
                spent = next.spent
            }
        }
    }
}

/** An API answered: what to do with that. */
internal suspend fun Executor.answered(
    generation: Long,
    status: Int,
    retryAfter: String? = null,
    spent: Spent = Spent(0u, 0u, 0u),
): NextStep {
    val call = CoordinatorCall.Answered(generation.toULong(), status.toUShort(), retryAfter, spent)
    return (call("a token", call) as? CoordinatorReply.Api)?.next ?: NextStep.Return(null)
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
