package io.github.webexoauth.client

import io.github.webexoauth.Access
import io.github.webexoauth.CallbackIgnored
import io.github.webexoauth.Config
import io.github.webexoauth.Effect
import io.github.webexoauth.Event
import io.github.webexoauth.Input
import io.github.webexoauth.MisuseException
import io.github.webexoauth.RestoreException
import io.github.webexoauth.Secret
import io.github.webexoauth.SendFault
import io.github.webexoauth.Session
import io.github.webexoauth.Task

/**
 * A session and its store's side of the story: in which order effects are done, and what a conflict or a failed save
 * means. No IO: the client does what [next] says and reports back. The model is adapters/driver/src/desk.rs.
 *
 * One input at a time: give the next one when [isFree]. Not thread-safe: the client's lock guards it.
 */
internal class Desk(private val config: Config, val session: Session) {
    /** An effect that is still to be done. Only a save of the desk's own has no task. */
    private class Pending(val effect: Effect, val task: Task?) {
        val isPersist get() = effect is Effect.Persist
    }

    private val effects = ArrayDeque<Pending>()

    /** Given to the session when the effects are done. */
    private val inputs = ArrayDeque<Input>()

    /** The revision that the store holds, as far as known. Signed: Android 7 cannot compare unsigned numbers. */
    private var stored: Long = session.revision().toLong()

    /** The revision of a save that is under way. */
    private var saving: Long? = null

    /** What callers get while a save is under way. */
    private var held: Access? = null

    /** The last save failed: then again. */
    private var saveAt: Long? = null

    /** What the clock read at the last input. */
    private var latest: Long? = null

    val isFree get() = saving == null && effects.isEmpty() && inputs.isEmpty()

    /** Why the callback that was just given is nobody's, where it is. */
    val ignored: CallbackIgnored? get() = effects.firstNotNullOfOrNull { pending ->
        ((pending.effect as? Effect.Notify)?.event as? Event.CallbackIgnored)?.reason
    }

    /** Whether callers are answered by the session itself. */
    val isSettled get() = held == null

    /** What is in the session and not in the store, after a save has failed. */
    val isUnsaved get() = saveAt != null

    /** When to give a tick, if nothing else happens before. */
    val wakeAt: Long? get() = listOfNotNull(session.wakeAt(), saveAt).minOrNull()

    /**
     * Whether to give a tick: its time has come, or the clock reads earlier than before. Everything that is waited for
     * moves along with such a clock, once the session has seen it.
     */
    fun isDue(now: Long): Boolean = wakeAt?.let { it <= now || (latest ?: now) > now } ?: false

    /** Gives the session an input. What follows from it comes out of [next]. */
    fun input(now: Long, input: Input) {
        val before = session.access(now)
        val new = session.handle(now, input).tasks.map { Pending(it.effect(), it) }
        latest = now
        if (input is Input.Reload) revision(input.snapshot)?.let { stored = it }
        // The store failed, or was put back, or begun anew.
        val isBehind = saveAt != null || session.revision().toLong() > stored
        if (isBehind && new.none { it.isPersist }) effects.add(saveNow())
        effects.addAll(new)
        if (effects.firstOrNull()?.isPersist == true) held = before
    }

    /**
     * What to do next; `null` while a save is under way, and when all is done. `Persist` is to be reported with
     * [saved] or [failed]; everything else is done when it is begun.
     */
    fun next(now: Long): Effect? {
        while (saving == null) {
            val pending = effects.removeFirstOrNull()
            if (pending != null) {
                val effect = pending.effect as? Effect.Persist ?: return pending.effect
                saving = effect.revision.toLong()
                // What failed to be saved before is in this snapshot as well.
                return Effect.Persist(effect.snapshot, effect.revision, stored.toULong())
            }
            val input = inputs.removeFirstOrNull() ?: return null
            try {
                input(now, input)
            } catch (_: MisuseException) {
                // Reports that a request was not sent: never a mistake.
            }
        }
        return null
    }

    /** A save has ended. Whether the store works again after a failure. */
    fun saved(now: Long, result: SaveResult): Boolean {
        val revision = saving ?: return false
        saving = null
        var recovered = false
        when (result) {
            is SaveResult.Stored -> {
                stored = revision
                recovered = saveAt != null
                saveAt = null
            }
            is SaveResult.Conflict -> {
                val wasUnsaved = isUnsaved
                conflict(now, result.found)
                recovered = wasUnsaved && !isUnsaved
            }
        }
        release()
        return recovered
    }

    /** A save has failed; the session has the tokens, and it is tried again. */
    fun failed(now: Long) {
        saving = null
        saveAt = now + SAVE_AGAIN_MS
        release()
    }

    private fun release() {
        if (effects.firstOrNull()?.isPersist != true) held = null
    }

    /**
     * May a caller have a token now? `null` while the new state is on its way to the store and the old one has nothing
     * to give: ask again when it is saved.
     */
    fun access(now: Long, scope: String?): Access? {
        val held = held ?: return if (scope == null) session.access(now) else session.accessFor(now, scope)
        if (scope != null || held !is Access.Ready || held.expiresAt?.let { now >= it } == true) return null
        return Access.Ready(held.token, held.generation, held.expiresAt, false)
    }

    /**
     * Whether what the store holds is something else than what is known to be there: then give it as `Reload`. A store
     * that was begun anew counts from another number. What cannot be taken in is no news.
     */
    fun isNews(found: Secret): Boolean = revision(found)?.let { it != stored } ?: false

    private fun saveNow() = Pending(Effect.Persist(session.snapshot(), session.revision(), stored.toULong()), null)

    /** Another process was faster. Its state is taken in; what follows is done as far as it is still wanted. */
    private fun conflict(now: Long, found: Secret?) {
        if (found == null) {
            // Somebody has emptied the store.
            stored = 0
            effects.addFirst(saveNow())
            return
        }
        revision(found)?.let { stored = it }
        val rest = effects.toList()
        effects.clear()
        val reloaded = try {
            session.handle(now, Input.Reload(found)).tasks
        } catch (_: MisuseException) {
            // A snapshot is never the caller's mistake.
            emptyList()
        }
        reloaded.mapTo(effects) { Pending(it.effect(), it) }
        if (effects.firstOrNull()?.isPersist != true) {
            // Theirs brought nothing new: ours still has to get there.
            if (session.revision().toLong() > stored) effects.addFirst(saveNow()) else saveAt = null
        }
        for (pending in rest) {
            if (pending.task != null && session.stillWants(pending.task)) {
                effects.add(pending)
            } else {
                undone(pending.effect)?.let(inputs::add)
            }
        }
    }

    /** A request that will not be sent must not be waited for. */
    private fun undone(effect: Effect): Input? = when (effect) {
        is Effect.Send -> Input.SendFailed(effect.request.id, SendFault.NOT_SENT)
        is Effect.AskForJwt -> Input.HostFailed(effect.id, "superseded")
        is Effect.AskForToken -> Input.HostFailed(effect.id, "superseded")
        is Effect.Persist, is Effect.OpenBrowser, is Effect.ShowDeviceCode, is Effect.Notify -> null
    }

    /** The revision of what the store holds, where that can be taken in: it may be of another version or client. */
    fun revision(found: Secret): Long? = try {
        Session.restore(config, found).use { it.revision().toLong() }
    } catch (_: RestoreException) {
        null
    }

    private companion object {
        /** A failed save is tried again after so many milliseconds, if nothing happens before. */
        const val SAVE_AGAIN_MS = 10_000L
    }
}
