package io.github.webexoauth.client

import io.github.webexoauth.Verdict
import kotlinx.coroutines.runBlocking
import okhttp3.Authenticator
import okhttp3.Interceptor
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.Route

/** Gives the requests of this client the bearer token, and renews it where an API refuses it. */
fun OkHttpClient.Builder.authorizedBy(client: AuthClient): OkHttpClient.Builder =
    addInterceptor(BearerInterceptor(client)).authenticator(BearerAuthenticator(client))

/** The token that a request carries. Printing it shows nothing. */
private class Carried(val token: BearerToken)

/**
 * Adds `Authorization` to requests for the configured hosts, never in place of the caller's own. Where there is no token,
 * the call fails with [AuthIOException]. A 451 ends the session.
 */
class BearerInterceptor(private val client: AuthClient) : Interceptor {
    override fun intercept(chain: Interceptor.Chain): Response {
        val request = chain.request()
        if (request.header("Authorization") != null || !client.mayCarryToken(request.url.toString())) {
            return chain.proceed(request)
        }
        val token = try {
            runBlocking { client.token() }
        } catch (error: AuthException) {
            throw AuthIOException(error)
        }
        val response = chain.proceed(request.carrying(token))
        if (response.code == 451 && client.judge(451, null) is Verdict.Embargoed) {
            try {
                runBlocking { client.embargoed() }
            } catch (_: AuthException) {
                // The answer is the caller's in any case.
            }
        }
        return response
    }
}

/** On a 401: renews the token, and calls once more only where that brought another one. */
class BearerAuthenticator(private val client: AuthClient) : Authenticator {
    override fun authenticate(route: Route?, response: Response): Request? {
        val request = response.request
        val carried = request.tag(Carried::class.java)?.token ?: return null
        // Behind a redirect to elsewhere the token was not sent.
        if (request.header("Authorization") != carried.exposeHeader()) return null
        if (!client.mayCarryToken(request.url.toString())) return null
        return try {
            runBlocking {
                client.rejected(carried)
                val replayed = generateSequence(response.priorResponse) { it.priorResponse }.any { it.code == 401 }
                val newer = if (replayed) carried else client.token()
                if (newer.generation == carried.generation) null else request.carrying(newer)
            }
        } catch (_: AuthException) {
            // The caller gets the original answer.
            null
        }
    }
}

private fun Request.carrying(token: BearerToken): Request =
    newBuilder().header("Authorization", token.exposeHeader()).tag(Carried::class.java, Carried(token)).build()
