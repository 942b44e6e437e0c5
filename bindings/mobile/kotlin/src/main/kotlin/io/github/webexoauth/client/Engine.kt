package io.github.webexoauth.client

import io.github.webexoauth.Access
import io.github.webexoauth.CallbackIgnored
import io.github.webexoauth.Config
import io.github.webexoauth.DevicePrompt
import io.github.webexoauth.Effect
import io.github.webexoauth.Event
import io.github.webexoauth.Fault
import io.github.webexoauth.Input
import io.github.webexoauth.MisuseException
import io.github.webexoauth.Phase
import io.github.webexoauth.Session
import io.github.webexoauth.SignInReason
import io.github.webexoauth.SignedOutReason
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import java.util.concurrent.locks.ReentrantLock

/** What one input brought for the one who gave it. */
internal class Turn {
    var url: String? = null
    var ignored: CallbackIgnored? = null
}

/** A token that is known to be good for a while, so that nobody has to ask the session. */
internal class Fresh(val token: BearerToken, val from: Long, val until: Long)

/**
 * What is behind an [AuthClient]: its state, and the loop of inputs and effects. Waiting, errands, tokens, logins and the
 * end are in files of their own.
 */
internal class Engine(
    val config: Config,
    val session: Session,
    val store: TokenStore?,
    val transport: HttpTransport,
    val options: ClientOptions,
) {
    val requestTimeout = config.parts().requestTimeoutMs.toLong().coerceIn(0, LONGEST)
    val patience = options.patienceMillis ?: (requestTimeout + 20_000)
    val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    val events = Hub<AuthEvent>()
    val signals = Hub<AuthSignal>()

    @Volatile
    var fresh: Fresh? = null

    /** Guards everything below. Held for moments, never while anybody waits. */
    val lock = ReentrantLock()
    val desk = Desk(config, session)
    val logins = Logins()
    private var turn = Turn()
    private val inbox = ArrayDeque<Pair<Turn, Input>>()
    var prompt: Pair<Long, DevicePrompt>? = null
    var landed: Pair<Long, SignedIn>? = null

    /** How often tokens came by a refresh, and how often and how last that failed. */
    var renewed = 0L
    var notRenewed = 0L
    var lastFailure: Pair<Fault, Long>? = null

    /** Why the last save failed, until one succeeds. */
    var storeProblem: StoreException? = null

    /** Errands under way: requests that may change the grant, and others. */
    var grants = 0
    var others = 0
    var change = CompletableDeferred<Unit>()
    var due = emptyList<CompletableDeferred<Unit>>()
    val alarm = Alarm(this)
    var ending: Job? = null

    val now: Long get() = options.clock()

    /** Runs [body] under the lock; who waits is woken after it. */
    inline fun <T> locked(body: () -> T): T {
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

    fun changed() {
        due += change
        change = CompletableDeferred()
    }

    /** Gives an input, and takes [note] of it before its effects are done. Only while the desk is free. */
    fun give(input: Input, note: () -> Unit = {}): Turn {
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
    fun post(input: Input): Turn {
        val turn = Turn()
        inbox.add(turn to input)
        pump()
        return turn
    }

    fun isDone(turn: Turn): Boolean = if (turn === this.turn) desk.isFree else inbox.none { it.first === turn }

    /** Does what there is to do, then gives the next input that waits. */
    fun pump() {
        while (true) {
            while (true) act(desk.next(now) ?: break)
            if (!desk.isFree) break
            val (next, input) = inbox.removeFirstOrNull() ?: break
            turn = next
            fresh = null
            try {
                desk.input(now, input)
            } catch (_: MisuseException) {
                unusable(next, input)
            } catch (_: AuthException.Misuse) {
                unusable(next, input)
            }
        }
        alarm.set()
        changed()
    }

    /** What the host brought cannot be used here: the question must not stay open. */
    private fun unusable(turn: Turn, input: Input) {
        val id = (input as? Input.ProvideJwt)?.id ?: (input as? Input.ProvideToken)?.id ?: return
        inbox.addFirst(turn to Input.HostFailed(id, "what was brought cannot be used here"))
    }

    private fun act(effect: Effect) {
        when (effect) {
            is Effect.Persist ->
                if (store == null) desk.saved(now, SaveResult.Stored)
                else errand(false) { save(store, effect.snapshot, effect.replaces.toLong()) }
            is Effect.Send -> errand(effect.request.isGrant) { carry(effect.request) }
            is Effect.OpenBrowser -> turn.url = effect.url.expose()
            is Effect.ShowDeviceCode -> prompt = logins.current()?.let { it to effect.prompt }
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
                if (session.access(now) !is Access.Ready) signals.tell(AuthSignal.TokenExpired)
            }
            is Event.SignedIn -> if (event.cleanedUrl != null || event.state != null) {
                landed = logins.current()?.let { it to SignedIn(event.cleanedUrl, event.state) }
            }
            is Event.SignInNeeded -> signals.tell(AuthSignal.ReLoginRequired(event.reason))
            is Event.SignedOut -> if (event.reason != SignedOutReason.BY_USER) {
                signals.tell(AuthSignal.ReLoginRequired(SignInReason.SignedOut(event.reason)))
            }
            else -> Unit
        }
        logins.note(event, session.phase() is Phase.SigningIn)
        events.tell(AuthEvent.OfSession(name, event))
    }

    companion object {
        /** So long a sign-out, or the end of a client, waits for what is under way. */
        const val FAREWELL = 5_000L

        /** A hundred years: longer ones are overflows. */
        const val LONGEST = 3_155_760_000_000L
    }
}
