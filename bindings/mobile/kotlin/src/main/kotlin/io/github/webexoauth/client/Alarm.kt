package io.github.webexoauth.client

import io.github.webexoauth.Input
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch

/** Wakes the session when it wants to be woken. One that rings too early does no harm. Under the engine's lock. */
internal class Alarm(private val engine: Engine) {
    private var pending: Pair<Long, Job>? = null

    /** An instant that stays past although it was told is not told again at once. */
    private var notBefore = 0L

    fun set() {
        val wakeAt = engine.desk.wakeAt ?: return
        val now = engine.now
        val left = (wakeAt - now).let { if (wakeAt > 0 && it < 0 && now < 0) LONGEST_SLEEP else it }
        val nano = System.nanoTime()
        val wait = maxOf(left.coerceIn(0, LONGEST_SLEEP), (notBefore - nano) / 1_000_000)
        val at = nano + wait * 1_000_000
        pending?.let { (set, job) -> if (job.isActive && set <= at) return else job.cancel() }
        pending = at to engine.scope.launch {
            delay(wait + 1)
            engine.locked { ring() }
        }
    }

    private fun ring() {
        pending = null
        if (engine.desk.isDue(engine.now) && System.nanoTime() >= notBefore) {
            notBefore = System.nanoTime() + 20_000_000
            engine.post(Input.Tick)
            if (engine.desk.isDue(engine.now)) notBefore = System.nanoTime() + 1_000_000_000
        }
        set()
    }

    private companion object {
        /** The wall clock may jump: look at it once a minute. */
        const val LONGEST_SLEEP = 60_000L
    }
}
