package io.github.webexoauth.client

import io.github.webexoauth.Verdict
import kotlinx.coroutines.suspendCancellableCoroutine
import okhttp3.Authenticator
import okhttp3.Call
import okhttp3.Callback
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okio.Buffer
import java.io.IOException
import java.util.concurrent.TimeUnit
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException

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
): ApiResponse {
    val timeout = engine.requestTimeout.coerceIn(1, Int.MAX_VALUE.toLong())
    val judged = judged(request)
    val calls = http.newBuilder().directly(judged.isLoopback).addNetworkInterceptor(HeaderInterceptor(this)).authenticator(Authenticator.NONE).followRedirects(false)
        .callTimeout(timeout, TimeUnit.MILLISECONDS).readTimeout(timeout, TimeUnit.MILLISECONDS)
        .retryOnConnectionFailure(true).build()
    if (request.header("Authorization") != null || !judged.mayCarryToken) {
        engine.checkOpen()
        if (request.header("Authorization") == null) engine.withheld(judged.request.url.toString())
        return calls.answer(judged.request, maxBody)
    }
    var token = token()
    var left = maxWaitMillis
    var mayReplay = true
    while (true) {
        val answer = calls.answer(judged.request.carrying(token), maxBody)
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

private suspend fun OkHttpClient.answer(request: Request, limit: Long): ApiResponse {
    val call = newCall(request)
    return suspendCancellableCoroutine { waiting ->
        waiting.invokeOnCancellation { call.cancel() }
        call.enqueue(object : Callback {
            override fun onFailure(call: Call, e: IOException) =
                waiting.resumeWithException(AuthException.Call("no answer (${e.javaClass.simpleName})"))

            override fun onResponse(call: Call, response: Response) {
                val answer = try {
                    response.use { read(it, limit) }
                } catch (error: Exception) {
                    // Whatever it is, OkHttp's thread must not die of it: that ends an Android app.
                    val problem = "the answer broke off (${error.javaClass.simpleName})"
                    return waiting.resumeWithException(AuthException.Call(problem))
                }
                if (answer == null) waiting.resumeWithException(AuthException.Call("the answer is too large"))
                else waiting.resume(answer)
            }
        })
    }
}

private fun read(response: Response, limit: Long): ApiResponse? {
    val body = Buffer()
    response.body?.source()?.let { source ->
        while (body.size <= limit) {
            if (source.read(body, minOf(8192, limit + 1 - body.size)) < 0) break
        }
    }
    if (body.size > limit) return null
    val headers = response.headers.toMultimap().mapValues { it.value.joinToString(", ") }
    return ApiResponse(response.code, headers, body.readByteArray())
}
