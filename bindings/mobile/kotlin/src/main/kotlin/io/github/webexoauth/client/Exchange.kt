package io.github.webexoauth.client

import io.github.webexoauth.SendFault
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.withTimeoutOrNull
import okhttp3.Call
import okhttp3.Callback
import okhttp3.Interceptor
import okhttp3.OkHttpClient
import okhttp3.Response
import okio.Buffer
import java.io.IOException
import java.security.cert.CertificateException
import java.util.concurrent.TimeUnit
import javax.net.ssl.SSLPeerUnverifiedException
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException

/** Whether the server may have seen anything of a request, whose tag it is. */
internal class Sent(private val notAfter: NotAfter? = null) {
    @Volatile
    var begun = false
        private set

    /** Right before the first byte. */
    private fun begin() {
        notAfter?.check()
        begun = true
    }

    /** Behind the connection: from here on something is written. */
    object Noted : Interceptor {
        override fun intercept(chain: Interceptor.Chain): Response {
            chain.request().tag(Sent::class.java)?.begin()
            return chain.proceed(chain.request())
        }
    }
}

/**
 * A head, and the whole body. Throws [TransportException].
 *
 * The deadline is that of the whole, however slowly it goes on.
 */
internal suspend fun Call.exchange(sent: Sent, timeoutMillis: Long, limit: Long): Pair<Response, ByteArray> =
    inTime(timeoutMillis) { answer(sent, limit) }
        ?: throw TransportException(if (sent.begun) SendFault.LOST else SendFault.NOT_SENT, "no answer in time")

private suspend fun Call.answer(sent: Sent, limit: Long): Pair<Response, ByteArray> = suspendCancellableCoroutine { waiting ->
    waiting.invokeOnCancellation { cancel() }
    enqueue(object : Callback {
        override fun onFailure(call: Call, e: IOException) {
            val fault = when {
                sent.begun -> SendFault.LOST
                e.isOfCertificate -> SendFault.UNTRUSTED
                else -> SendFault.NOT_SENT
            }
            waiting.resumeWithException(TransportException(fault, "no answer (${e.javaClass.simpleName})"))
        }

        override fun onResponse(call: Call, response: Response) {
            val answer = try {
                response to response.use { read(it, limit) }
            } catch (error: TransportException) {
                return waiting.resumeWithException(error)
            } catch (error: Exception) {
                // Whatever it is, OkHttp's thread must not die of it: that ends an Android app.
                val problem = "the answer broke off (${error.javaClass.simpleName})"
                return waiting.resumeWithException(TransportException(SendFault.LOST, problem))
            }
            waiting.resume(answer)
        }
    })
}

/** Of the server's: nobody known has signed it, it is another host's, or not valid now. */
private val IOException.isOfCertificate: Boolean
    get() = this is SSLPeerUnverifiedException || generateSequence(cause) { it.cause }.take(8).any { it is CertificateException }

private fun read(response: Response, limit: Long): ByteArray {
    // OkHttp reads on to the end of the connection then, and nobody knows whether that is all.
    if (!response.hasOneLength()) throw TransportException(SendFault.LOST, "the answer has no length that could be its own")
    val body = Buffer()
    response.body?.source()?.let { source ->
        while (body.size <= limit) {
            if (source.read(body, minOf(8192, limit + 1 - body.size)) < 0) break
        }
    }
    if (body.size > limit) throw TransportException(SendFault.TOO_LARGE, "the answer is too large")
    return body.readByteArray()
}

/** Chunks count before a length (RFC 9112 section 6.3). */
private fun Response.hasOneLength(): Boolean {
    val lengths = headers("Content-Length").flatMap { it.split(",") }.map { it.trim() }.toSet()
    val isOne = lengths.size <= 1 && lengths.all { length -> length.isNotEmpty() && length.all { it in '0'..'9' } }
    return isOne || header("Transfer-Encoding") != null
}

/**
 * What [body] brings, or `null` where it takes longer. A process that was stopped meanwhile has a moment to read what lies
 * there already.
 */
private suspend fun <T : Any> inTime(millis: Long, body: suspend () -> T): T? = coroutineScope {
    val running = async { body() }
    val answer =
        withTimeoutOrNull(millis.coerceIn(1, LONGEST)) { running.await() } ?: withTimeoutOrNull(MOMENT) { running.await() }
    answer.also { if (it == null) running.cancel() }
}

private const val MOMENT = 500L

/** The deadline is kept from outside: OkHttp's own would throw away what has arrived. */
internal fun OkHttpClient.Builder.timedFromOutside(): OkHttpClient.Builder =
    callTimeout(0, TimeUnit.SECONDS).readTimeout(0, TimeUnit.SECONDS).writeTimeout(0, TimeUnit.SECONDS)
