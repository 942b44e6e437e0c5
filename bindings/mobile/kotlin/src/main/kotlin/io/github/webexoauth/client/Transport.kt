package io.github.webexoauth.client

import io.github.webexoauth.HttpRequest
import io.github.webexoauth.HttpResponse
import io.github.webexoauth.ResponseHeader
import io.github.webexoauth.SendFault
import kotlinx.coroutines.currentCoroutineContext
import okhttp3.Authenticator
import okhttp3.ConnectionPool
import okhttp3.CookieJar
import okhttp3.Dispatcher
import okhttp3.MediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody
import okio.BufferedSink
import java.io.IOException
import java.util.concurrent.SynchronousQueue
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit

/** Sends the requests of a session. Every status is an answer; no redirect is followed, nothing is tried again. */
public interface HttpTransport {
    /** Throws [TransportException]; whatever else it throws counts as a request that the server may have seen. */
    public suspend fun send(request: HttpRequest): HttpResponse

    /** Makes ready what the first request would wait for. */
    public suspend fun prepare(): Unit = Unit
}

/**
 * Threads and connections are shared by all who have no client of their own. A thread without work ends after a second: a
 * program does not end before its threads, and OkHttp's own would stay for a minute.
 */
internal val sharedHttp by lazy {
    val threads = ThreadPoolExecutor(0, Int.MAX_VALUE, 1, TimeUnit.SECONDS, SynchronousQueue())
    OkHttpClient.Builder().dispatcher(Dispatcher(threads)).build()
}

/**
 * With OkHttp. Proxy, DNS, certificates and timeouts are those of [base]; its interceptors, cookies and cache are left
 * out, since what goes through here are secrets.
 */
public class OkHttpTransport(base: OkHttpClient = sharedHttp) : HttpTransport {
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
        timedFromOutside()
        addNetworkInterceptor(Sent.Noted)
    }.build()

    public companion object {
        /** One for all clients that want nothing special. Made when it is used first: TLS takes its time. */
        public val shared: HttpTransport = object : HttpTransport {
            private val transport by lazy { OkHttpTransport() }

            override suspend fun send(request: HttpRequest): HttpResponse = transport.send(request)

            override suspend fun prepare() = transport.prepare()
        }
    }

    override suspend fun send(request: HttpRequest): HttpResponse {
        val sent = Sent(currentCoroutineContext()[NotAfter])
        val url = request.target.asHttpUrl()
            ?: throw TransportException(SendFault.NOT_SENT, "the URL cannot be called as it is meant")
        val wire = try {
            Request.Builder().url(url).tag(Sent::class.java, sent).apply {
                for (header in request.headers) addHeader(header.name, header.value.expose())
                method(request.method, OneShot(request.body.expose().toByteArray()))
            }.build()
        } catch (_: IllegalArgumentException) {
            throw TransportException(SendFault.NOT_SENT, "the request cannot be represented")
        }
        val call = client.newBuilder().directly(request.target.isLoopback).build().newCall(wire)
        val (response, body) = call.exchange(sent, request.timeoutMs.toLong(), request.maxResponseBytes.toLong())
        val headers = response.headers.map { (name, value) -> ResponseHeader(name, value) }
        return HttpResponse(response.code.toUShort(), headers, body)
    }

    /** TLS is read from files, and OkHttp's classes are many. */
    override suspend fun prepare() {
        client.newCall(Request.Builder().url("https://localhost/").build())
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
