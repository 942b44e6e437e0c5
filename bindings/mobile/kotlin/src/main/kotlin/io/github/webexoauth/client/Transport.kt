package io.github.webexoauth.client

import io.github.webexoauth.HttpRequest
import io.github.webexoauth.HttpResponse
import io.github.webexoauth.ResponseHeader
import io.github.webexoauth.SendFault
import kotlinx.coroutines.suspendCancellableCoroutine
import okhttp3.Authenticator
import okhttp3.Call
import okhttp3.Callback
import okhttp3.ConnectionPool
import okhttp3.CookieJar
import okhttp3.EventListener
import okhttp3.MediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody
import okhttp3.Response
import okio.Buffer
import okio.BufferedSink
import java.io.IOException
import java.util.concurrent.TimeUnit
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException

/** Sends the requests of a session. Every status is an answer; no redirect is followed, nothing is tried again. */
interface HttpTransport {
    /** Throws [TransportException]; whatever else it throws counts as a request that the server may have seen. */
    suspend fun send(request: HttpRequest): HttpResponse
}

/** Threads and connections are shared by all who have no client of their own. */
internal val sharedHttp by lazy { OkHttpClient() }

/**
 * With OkHttp. Proxy, DNS, certificates and timeouts are those of [base]; its interceptors, cookies and cache are left
 * out, since what goes through here are secrets.
 */
class OkHttpTransport(base: OkHttpClient = sharedHttp) : HttpTransport {
    private val client = base.newBuilder().apply {
        interceptors().clear()
        networkInterceptors().clear()
        authenticator(Authenticator.NONE)
        cookieJar(CookieJar.NO_COOKIES)
        cache(null)
        followRedirects(false)
        followSslRedirects(false)
        retryOnConnectionFailure(false)
        // A pooled connection may be dead, and then nobody knows whether the request has arrived.
        connectionPool(ConnectionPool(0, 1, TimeUnit.SECONDS))
    }.build()

    companion object {
        /** One for all clients that want nothing special. Made when it is used first: TLS takes its time. */
        val shared: HttpTransport = object : HttpTransport {
            private val transport by lazy { OkHttpTransport() }

            override suspend fun send(request: HttpRequest): HttpResponse = transport.send(request)
        }
    }

    override suspend fun send(request: HttpRequest): HttpResponse {
        val sent = Sent()
        val url = request.target.asHttpUrl()
            ?: throw TransportException(SendFault.NOT_SENT, "the URL cannot be called as it is meant")
        val wire = try {
            Request.Builder().url(url).apply {
                for (header in request.headers) addHeader(header.name, header.value.expose())
                method(request.method, OneShot(request.body.expose().toByteArray()))
            }.build()
        } catch (_: IllegalArgumentException) {
            throw TransportException(SendFault.NOT_SENT, "the request cannot be represented")
        }
        val timeout = request.timeoutMs.toLong().coerceIn(1, Int.MAX_VALUE.toLong())
        val call = client.newBuilder()
            .callTimeout(timeout, TimeUnit.MILLISECONDS)
            .readTimeout(timeout, TimeUnit.MILLISECONDS)
            .eventListener(sent)
            .directly(request.target.isLoopback)
            .build()
            .newCall(wire)
        val limit = request.maxResponseBytes.toLong()
        return suspendCancellableCoroutine { waiting ->
            waiting.invokeOnCancellation { call.cancel() }
            call.enqueue(object : Callback {
                override fun onFailure(call: Call, e: IOException) {
                    val fault = if (sent.begun) SendFault.LOST else SendFault.NOT_SENT
                    waiting.resumeWithException(TransportException(fault, "no answer (${e.javaClass.simpleName})"))
                }

                override fun onResponse(call: Call, response: Response) {
                    val answer = try {
                        response.use { read(it, limit) }
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
    }

    private fun read(response: Response, limit: Long): HttpResponse {
        val body = Buffer()
        response.body?.source()?.let { source ->
            while (body.size <= limit) {
                if (source.read(body, minOf(8192, limit + 1 - body.size)) < 0) break
            }
        }
        if (body.size > limit) throw TransportException(SendFault.TOO_LARGE, "the answer is too large")
        val headers = response.headers.map { (name, value) -> ResponseHeader(name, value) }
        return HttpResponse(response.code.toUShort(), headers, body.readByteArray())
    }

    /** Whether the server may have seen anything. */
    private class Sent : EventListener() {
        @Volatile
        var begun = false

        override fun requestHeadersStart(call: Call) {
            begun = true
        }
    }

    /** One shot: OkHttp sends nothing of it twice, whatever the answer says. */
    private class OneShot(private val bytes: ByteArray) : RequestBody() {
        override fun contentType(): MediaType? = null
        override fun contentLength(): Long = bytes.size.toLong()
        override fun isOneShot(): Boolean = true
        override fun writeTo(sink: BufferedSink) {
            sink.write(bytes)
        }
    }
}
