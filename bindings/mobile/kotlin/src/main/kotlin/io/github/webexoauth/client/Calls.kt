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
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes

/** The answer of an API. Printing it shows neither headers nor body. */
public class ApiResponse internal constructor(
    public val status: Int,
    /** Names in lower case. */
    public val headers: Map<String, String>,
    public val body: ByteArray,
    /** Why the token of a 401 could not be replaced, where that was tried. */
    public val refreshError: AuthException? = null,
) {
    internal fun because(error: AuthException) = ApiResponse(status, headers, body, error)

    override fun toString(): String = "HTTP $status, ${body.size} bytes"
}

/**
 * Calls an API. Every status is an answer; redirects are not followed. The token goes to the configured hosts only, and
 * never in place of an `Authorization` of the caller's own: such requests are sent as they are. With the token, a 401 is
 * told to the session, and the call is made once more if that brought another one; 429 and 423 are waited out as
 * `Retry-After` says, within [maxWait] in all; 451 ends the session.
 *
 * Throws as [AuthClient.token], [AuthException.Call] where no complete answer came, and [AuthException.Misuse] for a URL
 * that others may read as another host.
 */
public suspend fun AuthClient.call(
    request: Request,
    maxWait: Duration = 1.minutes,
    maxBody: Long = 64L * 1024 * 1024,
    http: OkHttpClient = sharedHttp,
): ApiResponse = call(judged(request), maxWait, maxBody, http)

/**
 * The same for a URL as it is written: what others may read as another host is refused before any library of theirs has
 * read it.
 */
public suspend fun AuthClient.call(
    url: String,
    method: String = "GET",
    headers: Map<String, String> = emptyMap(),
    body: RequestBody? = null,
    maxWait: Duration = 1.minutes,
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
    return call(judged, maxWait, maxBody, http)
}

private suspend fun AuthClient.call(judged: Judged, maxWait: Duration, maxBody: Long, http: OkHttpClient): ApiResponse {
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
    var spent = Spent(0u, 0u, maxWait.inWholeMilliseconds.coerceAtLeast(0).toULong())
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
