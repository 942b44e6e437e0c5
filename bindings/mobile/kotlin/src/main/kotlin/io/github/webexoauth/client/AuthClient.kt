package io.github.webexoauth.client

import io.github.webexoauth.Config
import io.github.webexoauth.Coordinator
import io.github.webexoauth.CoordinatorCall
import io.github.webexoauth.CoordinatorOptions
import io.github.webexoauth.CoordinatorReply
import io.github.webexoauth.Credential
import io.github.webexoauth.DevicePrompt
import io.github.webexoauth.Flow
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.LogoutVia
import io.github.webexoauth.OpenException
import io.github.webexoauth.Secret
import io.github.webexoauth.SignOutOptions
import io.github.webexoauth.Status
import io.github.webexoauth.TokenOf
import io.github.webexoauth.TokenSet
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
public class AuthClient private constructor(
    /** The configuration in force. */
    public val config: Config,
    internal val executor: Executor,
) : AutoCloseable {
    internal val known = KnownServices(config)

    public companion object {
        /**
         * Loads what the store holds and starts a client. A login that was pending there still is. A token from the
         * configuration is adopted where the store has none. What the store holds and cannot be used is left alone.
         */
        public suspend fun open(
            config: Config,
            store: TokenStore? = null,
            transport: HttpTransport = OkHttpTransport.shared,
            options: ClientOptions = ClientOptions(),
        ): AuthClient = withContext(Dispatchers.IO) {
            val coordinator = coordinator(config, store, options)
            if (options.record) coordinator.startRecording()
            val parts = config.parts()
            val jobs = Jobs(store?.let(::StoreJobs), transport, options, parts.requestTimeoutMs.toLong())
            val client = AuthClient(config, Executor(coordinator, jobs, options.clock))
            parts.accessToken?.takeIf { client.tokens == null }?.let { client.adopt(it.expose()) }
            client
        }

        private suspend fun coordinator(config: Config, store: TokenStore?, options: ClientOptions): Coordinator {
            val (found, lockDomain) = try {
                store?.load() to store?.lockDomain
            } catch (error: Throwable) {
                currentCoroutineContext().ensureActive()
                throw AuthException.Store(StoreException.of(error))
            }
            val patience = options.patience?.inWholeMilliseconds?.coerceAtLeast(0)?.toULong()
            val limits = CoordinatorOptions(store != null, lockDomain, patienceMs = patience)
            return try {
                Coordinator.open(config, found, freshEntropy(), limits)
            } catch (error: OpenException.Stored) {
                throw AuthException.Restore(error.why)
            }
        }
    }

    /**
     * Events from now on: each collector gets all of them, in order, until the client is closed. Who falls back by more than
     * a thousand does not get those that come then.
     */
    public val events: Events<AuthEvent> get() = executor.events.flow

    /** How the session stands, for people and user interfaces. */
    public val status: Status get() = executor.coordinator.status(executor.now)

    /** The tokens themselves, for a hand-off. To call an API, use [token]. */
    public val tokens: TokenSet? get() = executor.coordinator.tokens()

    /** What has happened so far, without secrets, where [ClientOptions.record] asked for it: for a bug report. */
    public val transcript: String? get() = executor.coordinator.transcript()

    /** Where a browser goes to sign out at the identity provider, without signing out here. */
    public fun logoutUrl(goto: String? = null): String? = executor.coordinator.logoutUrl(goto)?.expose()

    // ------------------------------------------------------------------ tokens

    /**
     * An access token that is good now. Waits for a refresh only where there is none; one refresh serves everybody who
     * waits. While a token is known to be good, this is a look at a clock, without a call into the library.
     */
    public suspend fun token(): BearerToken = executor.published() ?: obtain(TokenOf.Session)

    /** The value of an `Authorization` header: `Bearer <token>`. */
    public suspend fun authorizationHeader(): String = token().exposeHeader()

    /** Webex: a token with less scope. `null` asks for what was granted less what is reserved. */
    public suspend fun userToken(scope: String? = null): BearerToken =
        obtain(if (scope == null) TokenOf.UserDefault else TokenOf.User(scope))

    private suspend fun obtain(of: TokenOf): BearerToken =
        when (val reply = executor.call("a token", CoordinatorCall.Token(of, null))) {
            is CoordinatorReply.Token -> bearer(reply.token, reply.generation, reply.expiresAt)
            else -> throw AuthException.Closed()
        }

    /** Renews the tokens now, whatever the clock says, and waits for it. A server's `Retry-After` is still respected. */
    public suspend fun refresh() {
        executor.call("a refresh", CoordinatorCall.Refresh(null))
    }

    /**
     * An API answered 401 to this token. Waits for what a renewal brings: ask for a token again, and where its generation is
     * another one, call once more.
     */
    public suspend fun rejected(token: BearerToken) {
        executor.answered(token.generation, 401)
    }

    /** Whether the access token may be sent to [url]. */
    public fun mayCarryToken(url: String): Boolean = known.judge.mayCarryToken(url)

    // ------------------------------------------------------------------ logins

    /**
     * Begins a login in a browser and returns the URL to open, with a Custom Tab for one. [completeLogin] ends it. Several
     * may be pending, eight at most: the oldest goes.
     */
    public suspend fun beginLogin(options: LoginOptions = LoginOptions(flow = Flow.CODE)): String = executor.beginLogin(options)

    /**
     * The browser came back with this URL, its query, its fragment, or the body of a form post. Redeems the code and
     * waits for the tokens. A callback that is not known here is looked for in the store; that of a login that is done
     * already is no error, as long as its session is there.
     */
    public suspend fun completeLogin(callback: String): SignedIn = executor.completeLogin(callback)

    /**
     * Gives up the login in a browser with this URL or this state, or without one all that are pending or under way. A
     * session that was there before goes on.
     */
    public suspend fun cancelLogin(of: String? = null): Unit = executor.cancelLogin(of)

    /** Redeems a code whose state the app has checked itself. */
    public suspend fun redeemCode(code: String, verifier: String? = null): Unit =
        signIn(Credential.Code(Secret(code), verifier?.let(::Secret)))

    /** Begins a login on another device (RFC 8628) and waits for what to show to the user. */
    public suspend fun beginDeviceLogin(scope: String? = null): DeviceLogin = executor.beginDeviceLogin(scope)

    /**
     * The whole of it: [show] tells the user where to enter which code, then it waits for the tokens.
     *
     * A coroutine that is cancelled stops waiting; the client goes on asking the server until the code ends, and who confirms
     * it meanwhile is signed in. [beginDeviceLogin] has a login that can be cancelled.
     */
    public suspend fun deviceLogin(scope: String? = null, show: suspend (DevicePrompt) -> Unit) {
        val login = beginDeviceLogin(scope)
        show(login.prompt)
        login.wait()
    }

    /** Webex: signs in as the guest that this JWT names. */
    public suspend fun signInWithJwt(jwt: String): Unit = signIn(Credential.Jwt(Secret(jwt)))

    /** Webex: signs in as a guest through a Service App's token. The same subject is the same guest. */
    public suspend fun signInAsGuest(serviceToken: String, subject: String, displayName: String): Unit =
        signIn(Credential.Guest(Secret(serviceToken), subject, displayName))

    /** Signs in as the client itself (RFC 6749 section 4.4). `null` asks for the configured scope. */
    public suspend fun signInWithClientCredentials(scope: String? = null): Unit = signIn(Credential.Client(scope))

    /** Takes over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string. */
    public suspend fun adopt(tokens: String): Unit = signIn(Credential.Tokens(Secret(tokens)))

    private suspend fun signIn(credential: Credential) {
        executor.signIn(credential)
    }

    // ------------------------------------------------------------------ the end

    /**
     * Signs out: forgets the tokens at once, whatever the network says, then revokes them and waits a few seconds for
     * that. Returns the URL to bring the browser to, where [options] ask for one.
     */
    public suspend fun signOut(options: SignOutOptions = SignOutOptions(logout = LogoutVia.NOTHING)): String? =
        (executor.call("a sign-out", CoordinatorCall.SignOut(options)) as? CoordinatorReply.Url)?.url?.expose()

    /**
     * Ends the client; the session stays in its store. Who waits gets [AuthException.Closed]. Does not block: a refresh
     * that is under way goes on behind the scenes, [shutdown] waits for it.
     */
    override fun close() {
        executor.close()
    }

    /** [close], and waits for a refresh that is under way: its answer may carry the only refresh token that counts. */
    public suspend fun shutdown() {
        executor.close().answer.await()
    }

    /** Nothing of the tokens, nothing of the configuration's secret. */
    override fun toString(): String = "AuthClient(${status.phase})"
}
