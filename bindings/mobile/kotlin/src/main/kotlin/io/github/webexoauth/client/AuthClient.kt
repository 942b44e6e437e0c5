package io.github.webexoauth.client

import io.github.webexoauth.Config
import io.github.webexoauth.DevicePrompt
import io.github.webexoauth.Flow
import io.github.webexoauth.Input
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.LogoutVia
import io.github.webexoauth.RestoreException
import io.github.webexoauth.Secret
import io.github.webexoauth.Session
import io.github.webexoauth.SignOutOptions
import io.github.webexoauth.Status
import io.github.webexoauth.TokenSet
import io.github.webexoauth.Verdict
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext
import kotlinx.coroutines.flow.Flow as Events

/**
 * One user's sign-in: tokens when they are needed, and what goes with them. Use it from any coroutine and any thread, the
 * main thread too: nothing here blocks it.
 *
 * What was begun belongs to the client and not to the coroutine that asked for it: a caller that is cancelled changes
 * nothing for the others, and a request that is under way is carried to its end.
 */
class AuthClient private constructor(internal val engine: Engine) : AutoCloseable {
    companion object {
        /**
         * Loads what the store holds and starts a client. A login that was pending there still is. A token from the
         * configuration is adopted where the store has none. What the store holds and cannot be used is left alone.
         */
        suspend fun open(
            config: Config,
            store: TokenStore? = null,
            transport: HttpTransport = OkHttpTransport.shared,
            options: ClientOptions = ClientOptions(),
        ): AuthClient = withContext(Dispatchers.IO) {
            val session = session(config, store)
            if (options.record) session.startRecording()
            val engine = Engine(config, session, store, transport, options)
            engine.locked { engine.alarm.set() }
            val configured = config.parts().accessToken
            if (configured != null && session.tokens() == null) engine.adopt(configured.expose())
            AuthClient(engine)
        }

        private suspend fun session(config: Config, store: TokenStore?): Session {
            val found = try {
                store?.load()
            } catch (error: Throwable) {
                currentCoroutineContext().ensureActive()
                throw AuthException.Store(StoreException.of(error))
            }
            return try {
                if (found != null) Session.restore(config, found) else Session(config, freshEntropy())
            } catch (error: RestoreException) {
                throw AuthException.Restore(error)
            }
        }
    }

    /** The configuration in force. */
    val config: Config get() = engine.config

    /** Events from now on: each collector gets all of them, in order, until the client is closed. */
    val events: Events<AuthEvent> get() = engine.events.flow

    /** How the session stands, for people and user interfaces. */
    val status: Status get() = engine.session.status(engine.now)

    /** The tokens themselves, for a hand-off. To call an API, use [token]. */
    val tokens: TokenSet? get() = engine.session.tokens()

    /** What has happened so far, without secrets, where [ClientOptions.record] asked for it: for a bug report. */
    val transcript: String? get() = engine.session.transcript()

    /** Where a browser goes to sign out at the identity provider, without signing out here. */
    fun logoutUrl(goto: String? = null): String? = engine.session.logoutUrl(goto)?.expose()

    // ------------------------------------------------------------------ tokens

    /**
     * An access token that is good now. Waits for a refresh only where there is none; one refresh serves everybody who
     * waits. While a token is known to be good, this is a look at a clock, without a call into the library.
     */
    suspend fun token(): BearerToken = engine.token()

    /** The value of an `Authorization` header: `Bearer <token>`. */
    suspend fun authorizationHeader(): String = token().exposeHeader()

    /** Webex: a token with less scope. `null` asks for what was granted less what is reserved. */
    suspend fun userToken(scope: String? = null): BearerToken = engine.obtain(scope ?: engine.session.userScope() ?: "")

    /** Renews the tokens now, whatever the clock says, and waits for it. A server's `Retry-After` is still respected. */
    suspend fun refresh() = engine.refresh()

    /** An API answered 401 to this token. Ask for a token again; where its generation is another one, call once more. */
    suspend fun rejected(token: BearerToken) = engine.rejected(token.generation)

    /** Whether the access token may be sent to [url]. */
    fun mayCarryToken(url: String): Boolean = config.mayCarryToken(url)

    internal fun judge(status: Int, retryAfter: String?): Verdict = config.judge(engine.now, status.toUShort(), retryAfter)

    // ------------------------------------------------------------------ logins

    /**
     * Begins a login in a browser and returns the URL to open, with a Custom Tab for one. [completeLogin] ends it. Several
     * may be pending, eight at most: the oldest goes.
     */
    suspend fun beginLogin(options: LoginOptions = LoginOptions(flow = Flow.CODE)): String = engine.beginLogin(options)

    /**
     * The browser came back with this URL, its query, its fragment, or the body of a form post. Redeems the code and
     * waits for the tokens. A callback that is not known here is looked for in the store; that of a login that is done
     * already is no error, as long as its session is there.
     */
    suspend fun completeLogin(callback: String): SignedIn = engine.completeLogin(callback)

    /**
     * Gives up the login in a browser with this URL or this state, or without one all that are pending or under way. A
     * session that was there before goes on.
     */
    suspend fun cancelLogin(of: String? = null) = engine.cancelLogin(of)

    /** Gives up the login that is under way, on a device for one. Those that wait for their browser go on. */
    suspend fun cancelLoginUnderWay() = engine.cancelLoginUnderWay()

    /** Redeems a code whose state the app has checked itself. */
    suspend fun redeemCode(code: String, verifier: String? = null) =
        engine.signIn(listOf("code", code)) { Input.RedeemCode(Secret(code), verifier?.let(::Secret)) }

    /** Signs in on another device (RFC 8628): [show] tells the user where to enter which code. */
    suspend fun deviceLogin(scope: String? = null, show: suspend (DevicePrompt) -> Unit) = engine.deviceLogin(scope, show)

    /** Webex: signs in as the guest that this JWT names. */
    suspend fun signInWithJwt(jwt: String) = engine.signIn(listOf("jwt", jwt)) { Input.SignInWithJwt(Secret(jwt)) }

    /** Webex: signs in as a guest through a Service App's token. The same subject is the same guest. */
    suspend fun signInAsGuest(serviceToken: String, subject: String, displayName: String) =
        engine.signIn(listOf("guest", serviceToken, subject)) {
            Input.SignInAsGuest(Secret(serviceToken), subject, displayName)
        }

    /** Signs in as the client itself (RFC 6749 section 4.4). `null` asks for the configured scope. */
    suspend fun signInWithClientCredentials(scope: String? = null) =
        engine.signIn(listOf("client", scope)) { Input.SignInWithClientCredentials(scope) }

    /** Takes over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string. */
    suspend fun adopt(tokens: String) = engine.adopt(tokens)

    // ------------------------------------------------------------------ the end

    /**
     * Signs out: forgets the tokens at once, whatever the network says, then revokes them and waits a few seconds for
     * that. Returns the URL to bring the browser to, where [options] ask for one.
     */
    suspend fun signOut(options: SignOutOptions = SignOutOptions(logout = LogoutVia.NOTHING)): String? =
        engine.signOut(options)

    /**
     * Ends the client; the session stays in its store. Who waits gets [AuthException.Closed]. Does not block: a refresh
     * that is under way goes on behind the scenes, [shutdown] waits for it.
     */
    override fun close() = engine.close()

    /** [close], and waits for a refresh that is under way: its answer may carry the only refresh token that counts. */
    suspend fun shutdown() {
        close()
        engine.ending?.join()
    }

    /** Nothing of the tokens, nothing of the configuration's secret. */
    override fun toString(): String = "AuthClient(${engine.session})"
}
