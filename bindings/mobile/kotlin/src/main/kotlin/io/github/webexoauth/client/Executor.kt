package io.github.webexoauth.client

import io.github.webexoauth.CallFailure
import io.github.webexoauth.Clocks
import io.github.webexoauth.Coordinator
import io.github.webexoauth.CoordinatorCall
import io.github.webexoauth.CoordinatorOutput
import io.github.webexoauth.CoordinatorReply
import io.github.webexoauth.DevicePrompt
import io.github.webexoauth.MisuseException
import io.github.webexoauth.PublishedToken
import io.github.webexoauth.RefusedException
import io.github.webexoauth.Secret
import io.github.webexoauth.WakeAt
import io.github.webexoauth.monotonicMs
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.Channel
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock
import kotlin.time.Clock

/**
 * Runs a coordinator: begins its jobs, wakes who waits, reads the clocks. Nothing is decided here.
 *
 * The lock is held for moments, by whoever changes something: never while a job runs, nor while listeners are told or callers
 * go on. A token that was published is read without it.
 */
internal class Executor(val coordinator: Coordinator, private val jobs: Jobs, private val clock: Clock) {
    val events = Events()

    /** What may be handed out without asking. */
    @Volatile
    private var fresh: Fresh? = null

    private val lock = ReentrantLock()
    private val waiting = HashMap<ULong, Waiting>()
    private val running = HashMap<ULong, Job>()
    private var lastTicket = 0uL

    /** What the timer sleeps towards, and what tells it to look again. */
    private var alarm: WakeAt? = null
    private val sooner = Channel<Unit>(Channel.CONFLATED)

    init {
        startTimer(this, sooner)
    }

    /** The wall clock, in milliseconds since 1970. One of the app's that throws is as good as none. */
    val now: Long get() = try {
        clock.now().toEpochMilliseconds()
    } catch (_: Throwable) {
        System.currentTimeMillis()
    }

    private fun clocks() = Clocks(now, monotonicMs())

    /** The token that was published, while it may be handed out. */
    fun published(): BearerToken? {
        val fresh = fresh ?: return null
        val now = now
        return if (fresh.from <= now && now < fresh.until) fresh.token else null
    }

    /** Makes a call and waits for its reply; [what] it is for. It is given up where nobody waits for it any longer. */
    suspend fun call(what: String, call: CoordinatorCall): CoordinatorReply {
        val waiting = begin(what, call)
        try {
            return waiting.reply()
        } finally {
            giveUp(waiting)
        }
    }

    fun begin(what: String, call: CoordinatorCall): Waiting {
        val begun = Waiting(what, jobs.stores)
        var refused: Throwable? = null
        turn { now ->
            begun.ticket = ++lastTicket
            waiting[begun.ticket] = begun
            try {
                coordinator.call(now, begun.ticket, call)
            } catch (error: Throwable) {
                waiting.remove(begun.ticket)
                refused = error
                coordinator.drain()
            }
        }
        refused?.let { throw if (it is RefusedException) told(it) else it }
        return begun
    }

    fun giveUp(gone: Waiting) = lock.withLock {
        if (waiting.remove(gone.ticket) != null) coordinator.giveUp(gone.ticket)
    }

    /** Why the token of an API's 401 could not be replaced. */
    fun error(failure: CallFailure): AuthException = failure.asException("a token", jobs.stores)

    /** The token did not go along. */
    fun calledWithoutToken(url: String) = turn { now ->
        try {
            coordinator.calledWithoutToken(now, Secret(url))
        } catch (error: MisuseException) {
            throw AuthException.Misuse(error)
        }
    }

    /** Ends everything: who waits is told now, what is under way is carried to its end behind the scenes. */
    fun close(): Waiting = begin("the end", CoordinatorCall.Close(null)).also { closed ->
        closed.answer.invokeOnCompletion {
            sooner.close()
            events.end()
        }
    }

    fun wake() = turn(coordinator::wake)

    /** How long the timer sleeps, in milliseconds. */
    fun pause(): Long = lock.withLock {
        alarm = coordinator.wakeAt()
        coordinator.pause(clocks()).toLong()
    }

    /** Changes the coordinator and does what it says. */
    private fun turn(change: (Clocks) -> List<CoordinatorOutput>) {
        val later = ArrayList<() -> Unit>()
        try {
            lock.withLock {
                change(clocks()).forEach { take(it, later) }
                if (coordinator.wakeAt() != alarm) sooner.trySend(Unit)
            }
        } finally {
            later.forEach { it() }
            events.deliver()
        }
    }

    /** What has an order is done in it; what others may hear of is for [later], when the lock is free. */
    private fun take(output: CoordinatorOutput, later: MutableList<() -> Unit>) {
        when (output) {
            is CoordinatorOutput.Do -> running[output.job] = jobs.begin(output.op) { result ->
                turn { now ->
                    running.remove(output.job)
                    coordinator.done(now, output.job, result)
                }
            }
            is CoordinatorOutput.Stop -> running.remove(output.job)?.let { later.add { it.cancel() } }
            is CoordinatorOutput.Resolve -> waiting.remove(output.ticket)?.let { later.add { it.end(output.reply) } }
            is CoordinatorOutput.Show -> waiting[output.ticket]?.let { later.add { it.shown.complete(output.prompt) } }
            is CoordinatorOutput.Tell -> events.add(output.event.told(jobs.stores))
            is CoordinatorOutput.Publish -> fresh = output.fresh?.let(::Fresh)
        }
    }
}

/** A token that may be handed out while the wall clock reads between its lines. */
private class Fresh(published: PublishedToken) {
    val token = bearer(published.token, published.generation, published.expiresAt)
    val from: Long = published.from
    val until: Long = published.until ?: Long.MAX_VALUE
}

/** A call that was made. */
internal class Waiting(private val what: String, private val stores: StoreJobs?) {
    var ticket = 0uL
    val answer = CompletableDeferred<CoordinatorReply>()

    /** What is for the user to see; `null` where the end came first. */
    val shown = CompletableDeferred<DevicePrompt?>()

    fun end(reply: CoordinatorReply) {
        answer.complete(reply)
        shown.complete(null)
    }

    suspend fun reply(): CoordinatorReply = answer.await().also { if (it is CoordinatorReply.Failed) throw error(it.failure) }

    fun error(failure: CallFailure): AuthException = failure.asException(what, stores)
}

private fun told(refused: RefusedException): AuthException = when (refused) {
    is RefusedException.Misuse -> AuthException.Misuse(refused.mistake)
    is RefusedException.TicketInUse -> AuthException.Closed()
}
