package io.github.webexoauth.client

import io.github.webexoauth.NextStep
import io.github.webexoauth.Spent
import kotlinx.coroutines.runBlocking
import okhttp3.Authenticator
import okhttp3.Interceptor
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.Route
import java.io.IOException
import java.io.InterruptedIOException
import java.net.HttpURLConnection.HTTP_UNAUTHORIZED

/**
 * Gives the requests of this client the bearer token, and renews it where an API refuses it.
 *
 * The `Authorization` header is added on the way to the network: interceptors of the application, loggers above all, and
 * `response.request` never have it. A network interceptor that is added after this call sees it.
 */
public fun OkHttpClient.Builder.authorizedBy(client: AuthClient): OkHttpClient.Builder =
    addInterceptor(BearerInterceptor(client)).addNetworkInterceptor(HeaderInterceptor(client))
        .authenticator(BearerAuthenticator(client))

/** The token that goes with a request. Printing it shows nothing. */
internal class Carried(val token: BearerToken) {
    override fun toString(): String = "redacted"
}

internal fun Request.carrying(token: BearerToken): Request = newBuilder().tag(Carried::class.java, Carried(token)).build()

private val Request.carried: BearerToken? get() = tag(Carried::class.java)?.token

/** The token that went along to where this answer came from. */
private fun Response.carried(client: AuthClient): BearerToken? =
    request.carried?.takeIf { request.header("Authorization") == null && client.mayCarryToken(request) }

/**
 * Gives requests for the configured hosts a token to carry, never in place of the caller's own `Authorization`. Where
 * there is no token, the call fails with [AuthIOException]. A 451 ends the session.
 */
private class BearerInterceptor(private val client: AuthClient) : Interceptor {
    override fun intercept(chain: Interceptor.Chain): Response {
        val request = chain.request()
        if (request.header("Authorization") != null) return chain.proceed(request)
        if (!client.mayCarryToken(request)) {
            try {
                client.executor.calledWithoutToken(request.url.toString())
            } catch (_: AuthException) {
                // The call is made all the same.
            }
            return chain.proceed(request)
        }
        val token = waitFor { client.token() }
        val response = chain.proceed(request.carrying(token))
        // A 401 is the authenticator's; of all others nobody waits for anything here.
        val last = response.carried(client)
        if (last != null && !response.isSuccessful && response.code != HTTP_UNAUTHORIZED) {
            try {
                waitFor { client.executor.answered(last.generation, response.code) }
            } catch (_: IOException) {
                // The answer is the caller's in any case.
            }
        }
        return response
    }
}

/** On the wire, at each hop: behind a redirect to elsewhere the token is left out. */
internal class HeaderInterceptor(private val client: AuthClient) : Interceptor {
    override fun intercept(chain: Interceptor.Chain): Response {
        val request = chain.request()
        val token = request.carried
        if (token == null || request.header("Authorization") != null || !client.mayCarryToken(request)) {
            return chain.proceed(request)
        }
        return chain.proceed(request.newBuilder().header("Authorization", token.exposeHeader()).build())
    }
}

/** On a 401: renews the token, and calls once more only where that brought another one. */
private class BearerAuthenticator(private val client: AuthClient) : Authenticator {
    override fun authenticate(route: Route?, response: Response): Request? {
        val refused = response.carried(client) ?: return null
        val replays = generateSequence(response.priorResponse) { it.priorResponse }.count { it.code == HTTP_UNAUTHORIZED }
        val spent = Spent(replays.toUInt(), 0u, 0u)
        return try {
            when (val next = waitFor { client.executor.answered(refused.generation, response.code, null, spent) }) {
                is NextStep.Again -> response.request.carrying(bearer(next.token, next.generation, null))
                is NextStep.Return -> null
            }
        } catch (_: AuthIOException) {
            // The caller gets the original answer.
            null
        }
    }
}

/** On a thread of OkHttp's, or of who called `execute()`. OkHttp expects exceptions of IO, and dies of others. */
private fun <T> waitFor(body: suspend () -> T): T = try {
    runBlocking { body() }
} catch (error: AuthException) {
    throw AuthIOException(error)
} catch (_: InterruptedException) {
    Thread.currentThread().interrupt()
    throw InterruptedIOException("interrupted")
}
