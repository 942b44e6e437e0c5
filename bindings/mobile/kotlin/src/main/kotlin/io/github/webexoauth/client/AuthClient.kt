package io.github.webexoauth.client

import io.github.webexoauth.Access
import io.github.webexoauth.CallbackIgnored
import io.github.webexoauth.Config
import io.github.webexoauth.DevicePrompt
import io.github.webexoauth.Effect
import io.github.webexoauth.Entropy
import io.github.webexoauth.Event
import io.github.webexoauth.Fault
import io.github.webexoauth.Flow
import io.github.webexoauth.HttpRequest
import io.github.webexoauth.Input
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.LogoutVia
import io.github.webexoauth.MisuseException
import io.github.webexoauth.Phase
import io.github.webexoauth.RestoreException
import io.github.webexoauth.Secret
import io.github.webexoauth.SendFault
import io.github.webexoauth.Session
import io.github.webexoauth.SignInReason
import io.github.webexoauth.SignOutOptions
import io.github.webexoauth.Status
import io.github.webexoauth.TokenAsk
import io.github.webexoauth.TokenSet
import io.github.webexoauth.Verdict
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import java.security.SecureRandom
import java.util.concurrent.locks.ReentrantLock
import kotlinx.coroutines.flow.Flow as Events

/** What a client may be told beside its configuration. */
class ClientOptions(
    /** The wall clock, in milliseconds since 1970. */
    val clock: () -> Long = System::currentTimeMillis,
    /** How long a caller waits; absent means a request's timeout and twenty seconds. */
    val patienceMillis: Long? = null,
    /** Asked for a token, as text or JSON, where the configuration leaves the renewal to the host. */
    val askForToken: (suspend (TokenAsk) -> Secret)? = null,
    /** Asked for a JWT, where the configuration says so. */
    val askForJwt: (suspend () -> Secret)? = null,
)

/** What a client has to tell. */
sealed class AuthEvent {
    /** The session says; [name] is the event's in the Webex world. */
    data class OfSession(val name: String, val event: Event) : AuthEvent()

    /** The session goes on without its store, which is tried again. */
    data class StoreFailed(val problem: StoreException) : AuthEvent()

    object StoreRecovered : AuthEvent()
}

/** A login in the browser that ended well. */
class SignedIn(
    /** The callback URL without code, token and CSRF value. */
    val cleanedUrl: String?,
    /** The JSON object that was given as state when the login began. */
    val state: String?,
)

/**
 * One user's sign-in: tokens when they are needed, and what goes with them. Use it from any coroutine and any thread.
 *
 * What was begun belongs to the client and not to the coroutine that asked for it: a caller that is cancelled changes
 * nothing for the others, and a request that is under way is carried to its end.
 */
class AuthClient private constructor(
    /** The configuration in force. */
    val config: Config,
    private val session: Session,
    private val store: TokenStore?,
    private val transport: HttpTransport,
    private val options: ClientOptions,
) : AutoCloseable {
    /** What one input brought for the one who gave it. */
    private class Turn {
        var url: String? = null
        var ignored: CallbackIgnored? = null
    }

    private class Fresh(val token: BearerToken, val from: Long, val until: Long)

    private val requestTimeout = config.parts().requestTimeoutMs.toLong().coerceIn(0, LONGEST)
    private val patience = options.patienceMillis ?: (requestTimeout + 20_000)
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    /** Guards everything below. Held for moments, never while anybody waits. */
    private val lock = ReentrantLock()
    private val desk = Desk(session)
    private val logins = Logins()
    private var turn = Turn()
    private val inbox = ArrayDeque<Pair<Turn, Input>>()
    private var prompt: Pair<Long, DevicePrompt>? = null
    private var landed: Pair<Long, SignedIn>? = null
    private var renewed = 0L
    private var notRenewed = 0L
    private var lastFailure: Pair<Fault, Long>? = null
    private var storeProblem: StoreException? = null
    private var grants = 0
    private var others = 0
    private var change = CompletableDeferred<Unit>()
    private var due = emptyList<CompletableDeferred<Unit>>()
    private var alarm: Pair<Long, Job>? = null
    private var notBefore = 0L
    private var ending: Job? = null
    private val listeners = ArrayList<Channel<AuthEvent>>()

    @Volatile
    private var fresh: Fresh? = null

    companion object {
        /**
         * Loads what the store holds and starts a client. A login that was pending there still is. A token from the
         * configuration is adopted where the store has none. What the store holds and cannot be used is left alone.
         */
        suspend fun open(
            config: Config,
            store: TokenStore? = null,
            transport: HttpTransport = OkHttpTransport(),
            options: ClientOptions = ClientOptions(),
        ): AuthClient {
            val found = try {
                store?.load()
            } catch (error: CancellationException) {
                throw error
            } catch (error: Exception) {
                throw AuthException.Store(StoreException.of(error))
            }
            val session = try {
                if (found != null) Session.restore(config, found) else Session(config, freshEntropy())
            } catch (error: RestoreException) {
                throw AuthException.Restore(error)
            }
            val client = AuthClient(config, session, store, transport, options)
            client.locked { client.setAlarm() }
            val configured = config.parts().accessToken
            if (configured != null && session.tokens() == null) client.adopt(configured.expose())
            return client
        }

        /** Bytes from the machine's random generator, for one login or one session. */
        fun freshEntropy(): Entropy {
            val bytes = ByteArray(64)
            SecureRandom().nextBytes(bytes)
            return Entropy(bytes).also { bytes.fill(0) }
        }

        private const val MOST_ASKED = 4
        private const val FAREWELL = 5_000L
        private const val LOCK_PATIENCE = 12_000L
        private const val LONGEST_SLEEP = 60_000L
        private const val LONGEST = 3_155_760_000_000L
    }

    // ------------------------------------------------------------------ answers

    /** Events from now on: each collector gets all of them, in order, until the client is closed. */
    val events: Events<AuthEvent> = flow {
        val channel = Channel<AuthEvent>(Channel.UNLIMITED)
        locked { if (scope.isActive) listeners.add(channel) else channel.close() }
        try {
            for (event in channel) emit(event)
        } finally {
            locked { listeners.remove(channel) }
        }
    }

    /** How the session stands, for people and user interfaces. */
    val status: Status get() = session.status(now)

    /** The tokens themselves, for a hand-off. To call an API, use [token]. */
    val tokens: TokenSet? get() = session.tokens()

    /** Where a browser goes to sign out at the identity provider, without signing out here. */
    fun logoutUrl(goto: String? = null): String? = session.logoutUrl(goto)?.expose()

    private val now get() = options.clock()

    /**
     * An access token that is good now. Waits for a refresh only where there is none; one refresh serves everybody who
     * waits. While a token is known to be good, this is a look at a clock, without a call into the library.
     */
    suspend fun token(): BearerToken {
        val known = fresh
        val now = now
        if (known != null && now >= known.from && now < known.until) return known.token
        return obtain(null)
    }

    /** The value of an `Authorization` header: `Bearer <token>`. */
    suspend fun authorizationHeader(): String = token().exposeHeader()

    /** Webex: a token with less scope. `null` asks for what was granted less what is reserved. */
    suspend fun userToken(scope: String? = null): BearerToken = obtain(scope ?: session.userScope() ?: "")

    /** Renews the tokens now, whatever the clock says, and waits for it. A server's `Retry-After` is still respected. */
    suspend fun refresh() {
        var renewedBefore = 0L
        var failedBefore = 0L
        val turn = try {
            drive {
                renewedBefore = renewed
                failedBefore = notRenewed
                Input.Refresh
            }
        } catch (error: AuthException.Misuse) {
            if (error.problem !is MisuseException.NotSignedIn) throw error
            // With the reason, as for a token.
            token()
            return
        }
        patiently("a refresh", patience) {
            val failure = lastFailure
            when {
                !isDone(turn) || !desk.isFree -> null
                renewed > renewedBefore -> Unit
                notRenewed > failedBefore && failure != null ->
                    throw AuthException.Unavailable(failure.first, failure.second)
                else -> refreshNotBegun()
            }
        }
    }

    private fun refreshNotBegun(): Unit? {
        val status = session.status(now)
        if (status.isRefreshing) return null
        if (session.tokens() == null) {
            val access = session.access(now) as? Access.SignInRequired
            throw AuthException.SignInRequired(access?.reason ?: SignInReason.Expired)
        }
        status.lastFault?.let { throw AuthException.Unavailable(it, session.wakeAt() ?: now) }
        return Unit
    }

    private suspend fun obtain(scope: String?): BearerToken = try {
        obtainHere(scope)
    } catch (error: AuthException) {
        // Another process may have signed in, or been luckier.
        val mayHelp = error is AuthException.SignInRequired || error is AuthException.Unavailable
        if (!mayHelp || store == null || !lookIntoStore()) throw error
        obtainHere(scope)
    }

    private suspend fun obtainHere(scope: String?): BearerToken {
        var asked = 0
        return patiently("a token", patience) {
            when (val access = desk.access(now, scope)) {
                null, is Access.Refreshing -> null
                is Access.Ready -> ready(scope, access)
                is Access.Stale -> {
                    if (desk.isFree) {
                        if (asked++ >= MOST_ASKED) throw endlesslyStale(access.expiresAt)
                        val usable = scope != null && desk.access(now, null) is Access.Ready
                        give(if (scope != null && usable) Input.Downscope(scope) else Input.EnsureFresh)
                    }
                    null
                }
                is Access.BackingOff -> throw AuthException.Unavailable(access.fault, access.retryAt)
                is Access.SignInRequired -> throw AuthException.SignInRequired(access.reason)
            }
        }
    }

    private fun ready(scope: String?, access: Access.Ready): BearerToken {
        val token = access.token
        val answer = BearerToken(token.expose(), token.exposeHeader(), access.generation.toLong(), access.expiresAt)
        if (access.refreshSoon) {
            // Behind the scenes: the caller has nothing to do with it.
            post(Input.EnsureFresh)
        } else if (scope == null && desk.isSettled) {
            val now = now
            session.fresh(now)?.let { fresh = Fresh(answer, now, it.until) }
        }
        return answer
    }

    /** What arrives is stale again and again: there is no token to be had from this server. */
    private fun endlesslyStale(expiresAt: Long?): AuthException {
        val fault = session.status(now).lastFault ?: return AuthException.SignInRequired(SignInReason.Expired)
        return AuthException.Unavailable(fault, expiresAt ?: now)
    }

    // ------------------------------------------------------------------ logins

    /** Begins a login in a browser and returns the URL to open, with a Custom Tab for one. [completeLogin] ends it. */
    suspend fun beginLogin(options: LoginOptions = LoginOptions(flow = Flow.CODE)): String {
        val entropy = freshEntropy()
        val (turn) = begin(null) { Input.BeginLogin(options, entropy) }
        settled(turn)
        return turn.url ?: throw AuthException.LoginSuperseded()
    }

    /**
     * The browser came back with this URL, its query, its fragment, or the body of a form post. Redeems the code and
     * waits for the tokens.
     */
    suspend fun completeLogin(callback: String): SignedIn {
        var ticket: Long? = null
        val turn = drive {
            if (session.phase() is Phase.SigningIn) ticket = logins.current()
            Input.CompleteLogin(Secret(callback))
        }
        settled(turn)
        turn.ignored?.let { throw AuthException.CallbackNotOurs(it) }
        return outcome(ticket ?: throw AuthException.LoginCancelled(), patience)
    }

    /** Gives up the login that is under way. A session that was there before goes on. */
    suspend fun cancelLogin() {
        settled(drive {
            logins.cancel()
            Input.CancelLogin
        })
    }

    /** Redeems a code whose state the app has checked itself. */
    suspend fun redeemCode(code: String, verifier: String? = null) =
        signIn(listOf("code", code)) { Input.RedeemCode(Secret(code), verifier?.let(::Secret)) }

    /** Signs in on another device (RFC 8628): [show] tells the user where to enter which code. */
    suspend fun deviceLogin(scope: String? = null, show: suspend (DevicePrompt) -> Unit) {
        val (_, ticket) = begin(null) { Input.BeginDeviceLogin(scope) }
        val shown = patiently("a device code", patience) {
            logins.result(ticket)?.error?.let { throw it() }
            prompt?.takeIf { it.first == ticket }?.second
        }
        show(shown)
        outcome(ticket, maxOf(shown.expiresAt - now, 0) + patience)
    }

    /** Webex: signs in as the guest that this JWT names. */
    suspend fun signInWithJwt(jwt: String) = signIn(listOf("jwt", jwt)) { Input.SignInWithJwt(Secret(jwt)) }

    /** Webex: signs in as a guest through a Service App's token. The same subject is the same guest. */
    suspend fun signInAsGuest(serviceToken: String, subject: String, displayName: String) =
        signIn(listOf("guest", serviceToken, subject)) {
            Input.SignInAsGuest(Secret(serviceToken), subject, displayName)
        }

    /** Signs in as the client itself (RFC 6749 section 4.4). `null` asks for the configured scope. */
    suspend fun signInWithClientCredentials(scope: String? = null) =
        signIn(listOf("client", scope)) { Input.SignInWithClientCredentials(scope) }

    /** Takes over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string. */
    suspend fun adopt(tokens: String) {
        val (turn, ticket) = begin(listOf("adopt", tokens)) { Input.Adopt(Secret(tokens)) }
        settled(turn)
        // Without an access token there is no event, and nothing to wait for.
        locked { if (logins.result(ticket) == null && logins.current() == ticket) logins.cancel() }
    }

    private suspend fun signIn(key: LoginKey, input: () -> Input) {
        val (_, ticket) = begin(key, input)
        outcome(ticket, patience)
    }

    private suspend fun begin(key: LoginKey, input: () -> Input): Pair<Turn, Long> = until {
        if (!desk.isFree) return@until null
        var ticket = 0L
        val turn = give(input()) {
            prompt = null
            ticket = logins.begin(key)
        }
        turn to ticket
    }

    private suspend fun outcome(ticket: Long, limit: Long): SignedIn = patiently("the login", limit) {
        val result = logins.result(ticket) ?: return@patiently null
        result.error?.let { throw it() }
        // Its tokens are on their way to the store: nobody uses them before.
        if (!desk.isFree) return@patiently null
        landed?.takeIf { it.first == ticket }?.second ?: SignedIn(null, null)
    }

    // ------------------------------------------------------------------ the end

    /**
     * Signs out: forgets the tokens at once, whatever the network says, then revokes them and waits a few seconds for
     * that. Returns the URL to bring the browser to, where [options] ask for one.
     */
    suspend fun signOut(options: SignOutOptions = SignOutOptions(logout = LogoutVia.NOTHING)): String? {
        val turn = drive { Input.SignOut(options) }
        settled(turn)
        withTimeoutOrNull(FAREWELL) { until { if (others == 0) Unit else null } }
        locked { storeProblem }?.let { throw AuthException.Store(it) }
        return turn.url
    }

    /** An API answered 401 to this token. Ask for a token again; where its generation is another one, call once more. */
    suspend fun rejected(token: BearerToken) = rejected(token.generation)

    internal suspend fun rejected(generation: Long) {
        settled(drive { Input.TokenRejected(generation.toULong()) })
    }

    internal suspend fun embargoed() {
        settled(drive { Input.Embargoed })
    }

    internal fun checkOpen() = locked { if (ending != null) throw AuthException.Closed() }

    /** Waits, unless the client is closed meanwhile. */
    internal suspend fun pause(millis: Long) {
        withTimeoutOrNull(millis) { until<Unit> { null } }
    }

    /** Whether the access token may be sent to [url]. */
    fun mayCarryToken(url: String): Boolean = config.mayCarryToken(url)

    internal fun judge(status: Int, retryAfter: String?): Verdict = config.judge(now, status.toUShort(), retryAfter)

    /**
     * Ends the client; the session stays in its store. Who waits gets [AuthException.Closed]. Does not block: a refresh
     * that is under way goes on behind the scenes, [shutdown] waits for it.
     */
    override fun close() {
        locked {
            if (ending == null) {
                ending = scope.launch { end() }
                fresh = null
                changed()
            }
        }
    }

    /** [close], and waits for a refresh that is under way: its answer may carry the only refresh token that counts. */
    suspend fun shutdown() {
        close()
        ending?.join()
    }

    private suspend fun end() {
        withTimeoutOrNull(requestTimeout + FAREWELL) {
            val enough = System.nanoTime() + FAREWELL * 1_000_000
            val timer = launch {
                delay(FAREWELL)
                locked { changed() }
            }
            until(evenClosing = true) {
                val busy = grants > 0 || !desk.isFree || (others > 0 && System.nanoTime() < enough)
                if (busy) null else Unit
            }
            timer.cancel()
            // The last chance of a store that failed.
            if (locked { desk.isUnsaved }) settled(locked { post(Input.Tick) })
        }
        locked {
            listeners.forEach { it.close() }
            listeners.clear()
            scope.cancel()
            changed()
        }
    }

    /** Nothing of the tokens, nothing of the configuration's secret. */
    override fun toString(): String = "AuthClient($session)"

    // ------------------------------------------------------------------ inputs and effects

    /** Runs [body] under the lock; who waits is woken after it. */
    private inline fun <T> locked(body: () -> T): T {
        var wake = emptyList<CompletableDeferred<Unit>>()
        lock.lock()
        try {
            return body()
        } finally {
            if (lock.holdCount == 1) {
                wake = due
                due = emptyList()
            }
            lock.unlock()
            wake.forEach { it.complete(Unit) }
        }
    }

    private fun changed() {
        due += change
        change = CompletableDeferred()
    }

    /** Gives an input when its turn has come. */
    private suspend fun drive(choose: () -> Input): Turn = until { if (desk.isFree) give(choose()) else null }

    /** Gives an input, and takes [note] of it before its effects are done. Only while the desk is free. */
    private fun give(input: Input, note: () -> Unit = {}): Turn {
        fresh = null
        try {
            desk.input(now, input)
        } catch (error: MisuseException) {
            throw AuthException.Misuse(error)
        }
        val turn = Turn().also { this.turn = it }
        note()
        pump()
        return turn
    }

    /** Gives an input as soon as the desk is free. Not for one that may be the caller's mistake. */
    private fun post(input: Input): Turn {
        val turn = Turn()
        inbox.add(turn to input)
        pump()
        return turn
    }

    private fun isDone(turn: Turn): Boolean =
        if (turn === this.turn) desk.isFree else inbox.none { it.first === turn }

    private suspend fun settled(turn: Turn) = until(evenClosing = true) { if (isDone(turn)) Unit else null }

    /** Does what there is to do, then gives the next input that waits. */
    private fun pump() {
        while (true) {
            while (true) act(desk.next(now) ?: break)
            if (!desk.isFree) break
            val (next, input) = inbox.removeFirstOrNull() ?: break
            turn = next
            fresh = null
            try {
                desk.input(now, input)
            } catch (_: MisuseException) {
                // What the host brought cannot be used here: the question must not stay open.
                val id = (input as? Input.ProvideJwt)?.id ?: (input as? Input.ProvideToken)?.id
                if (id != null) inbox.addFirst(next to Input.HostFailed(id, "what was brought cannot be used here"))
            }
        }
        setAlarm()
        changed()
    }

    private fun act(effect: Effect) {
        when (effect) {
            is Effect.Persist ->
                if (store == null) desk.saved(now, SaveResult.Stored)
                else errand(false) { save(store, effect.snapshot, effect.replaces.toLong()) }
            is Effect.Send -> errand(effect.request.isGrant) { carry(effect.request) }
            is Effect.OpenBrowser -> turn.url = effect.url.expose()
            is Effect.ShowDeviceCode -> prompt = logins.current() to effect.prompt
            is Effect.AskForJwt -> errand(null) {
                ask(effect.id) { Input.ProvideJwt(effect.id, options.askForJwt?.invoke() ?: return@ask null) }
            }
            is Effect.AskForToken -> errand(null) {
                ask(effect.id) { Input.ProvideToken(effect.id, options.askForToken?.invoke(effect.ask) ?: return@ask null) }
            }
            is Effect.Notify -> notify(effect.name, effect.event)
        }
    }

    private fun notify(name: String, event: Event) {
        when (event) {
            is Event.CallbackIgnored -> turn.ignored = event.reason
            is Event.TokensRefreshed -> renewed += 1
            is Event.RefreshFailed -> {
                notRenewed += 1
                lastFailure = event.fault to event.retryAt
            }
            is Event.SignedIn -> if (event.cleanedUrl != null || event.state != null) {
                landed = logins.current() to SignedIn(event.cleanedUrl, event.state)
            }
            else -> Unit
        }
        logins.note(event, session.phase() is Phase.SigningIn)
        tell(AuthEvent.OfSession(name, event))
    }

    private fun tell(event: AuthEvent) = listeners.forEach { it.trySend(event) }

    // ------------------------------------------------------------------ errands

    /** Begins one. It belongs to the client. [grant] is `null` for one that nobody has to wait for at the end. */
    private fun errand(grant: Boolean?, work: suspend () -> Unit) {
        count(grant, 1)
        scope.launch {
            try {
                work()
            } finally {
                locked {
                    count(grant, -1)
                    changed()
                }
            }
        }
    }

    private fun count(grant: Boolean?, change: Int) {
        if (grant == true) grants += change else if (grant == false) others += change
    }

    private suspend fun save(store: TokenStore, snapshot: Secret, replaces: Long) {
        val result = try {
            Result.success(store.save(snapshot, replaces))
        } catch (error: CancellationException) {
            Result.failure(StoreException(StoreException.Kind.FOREIGN, "the store gave up"))
        } catch (error: Exception) {
            Result.failure(error)
        }
        locked {
            // The new state counts from here.
            fresh = null
            result.fold({
                if (desk.saved(now, it)) tell(AuthEvent.StoreRecovered)
                if (!desk.isUnsaved) storeProblem = null
            }, {
                val problem = StoreException.of(it)
                desk.failed(now)
                storeProblem = problem
                tell(AuthEvent.StoreFailed(problem))
            })
            pump()
        }
    }

    private suspend fun carry(request: HttpRequest) {
        var held: StoreLock? = null
        try {
            if (request.isGrant && store != null) {
                val taken = takeLock(store, request)
                if (taken == null) {
                    locked { post(Input.SendFailed(request.id, SendFault.NOT_SENT)) }
                    return
                }
                held = taken.lock
                lookIntoStore()
                // Another process may have renewed the tokens meanwhile.
                if (!session.awaits(request.id)) {
                    locked { post(Input.SendFailed(request.id, SendFault.NOT_SENT)) }
                    return
                }
            }
            val answer = exchange(request)
            // Unguarded: a refusal may mean that another process was faster.
            if (request.isGrant && held == null) lookIntoStore()
            // The next one to hold the lock has to find what this answer led to.
            settled(locked { post(answer) })
        } finally {
            try {
                held?.release()
            } catch (error: Exception) {
                locked { tell(AuthEvent.StoreFailed(StoreException.of(error))) }
            }
        }
    }

    /** Whatever the transport does, there is an answer in time. */
    private suspend fun exchange(request: HttpRequest): Input {
        val timeout = request.timeoutMs.toLong().coerceIn(1, LONGEST)
        return try {
            val response = withTimeoutOrNull(timeout) { transport.send(request) }
            if (response != null) Input.Response(request.id, response) else Input.SendFailed(request.id, SendFault.LOST)
        } catch (error: TransportException) {
            Input.SendFailed(request.id, error.fault)
        } catch (_: Exception) {
            Input.SendFailed(request.id, SendFault.LOST)
        }
    }

    /** [lock] is `null` where the lock does not work: better a request without it than none. */
    private class Taken(val lock: StoreLock?)

    private suspend fun takeLock(store: TokenStore, request: HttpRequest): Taken? {
        val end = System.nanoTime() + LOCK_PATIENCE * 1_000_000
        var pause = 1L
        while (session.awaits(request.id)) {
            try {
                store.tryLock()?.let { return Taken(it) }
            } catch (error: Exception) {
                val problem = StoreException.of(error)
                locked { tell(AuthEvent.StoreFailed(problem)) }
                return if (problem.kind == StoreException.Kind.BUSY) null else Taken(null)
            }
            if (System.nanoTime() >= end) {
                val problem = StoreException(StoreException.Kind.BUSY, "another process keeps the store's lock")
                locked { tell(AuthEvent.StoreFailed(problem)) }
                return null
            }
            delay(pause)
            pause = minOf(pause * 2, 50)
        }
        return null
    }

    /** Another process may have renewed the tokens, or signed in or out. Answers whether there was news. */
    private suspend fun lookIntoStore(): Boolean {
        val store = store ?: return false
        try {
            val found = store.load() ?: return false
            val turn = locked { if (desk.isNews(found)) post(Input.Reload(found)) else null } ?: return false
            settled(turn)
            return true
        } catch (error: CancellationException) {
            throw error
        } catch (error: Exception) {
            locked { tell(AuthEvent.StoreFailed(StoreException.of(error))) }
            return false
        }
    }

    private suspend fun ask(id: ULong, answer: suspend () -> Input?) {
        val input = try {
            answer() ?: Input.HostFailed(id, "no callback is set")
        } catch (error: Exception) {
            Input.HostFailed(id, "the callback failed (${error.javaClass.simpleName})")
        }
        locked { post(input) }
    }

    // ------------------------------------------------------------------ waiting

    /** Waits until [ready], which is called under the lock, has an answer. */
    private suspend fun <T : Any> until(evenClosing: Boolean = false, ready: () -> T?): T {
        while (true) {
            val next = locked {
                if (!scope.isActive || (ending != null && !evenClosing)) throw AuthException.Closed()
                // What `ready` itself changes counts as well.
                val next = change
                ready()?.let { return it }
                next
            }
            next.await()
        }
    }

    /** The same for a caller whose patience is limited. */
    private suspend fun <T : Any> patiently(what: String, limit: Long, ready: () -> T?): T {
        val end = System.nanoTime() + limit * 1_000_000
        val timer = scope.launch {
            delay(limit)
            locked { changed() }
        }
        try {
            return until {
                val answer = ready()
                if (answer == null && System.nanoTime() >= end) throw AuthException.TimedOut(what, limit)
                answer
            }
        } finally {
            timer.cancel()
        }
    }

    /** Wakes the session when it wants to be woken. One that rings too early does no harm. */
    private fun setAlarm() {
        val wakeAt = desk.wakeAt ?: return
        val left = (wakeAt - now).let { if (wakeAt > 0 && it < 0 && now < 0) LONGEST_SLEEP else it }
        val nano = System.nanoTime()
        val wait = maxOf(left.coerceIn(0, LONGEST_SLEEP), (notBefore - nano) / 1_000_000)
        val at = nano + wait * 1_000_000
        alarm?.let { (set, job) -> if (job.isActive && set <= at) return else job.cancel() }
        alarm = at to scope.launch {
            delay(wait + 1)
            locked { ring() }
        }
    }

    private fun ring() {
        alarm = null
        val wakeAt = desk.wakeAt ?: return
        if (wakeAt <= now && System.nanoTime() >= notBefore) {
            notBefore = System.nanoTime() + 20_000_000
            post(Input.Tick)
            // An instant that stays past although it was told is not told again at once.
            if (desk.wakeAt?.let { it <= now } == true) notBefore = System.nanoTime() + 1_000_000_000
        }
        setAlarm()
    }
}
