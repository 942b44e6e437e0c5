package io.github.webexoauth.client

import io.github.webexoauth.Input
import kotlinx.coroutines.delay
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

// Callers wait for a change of the engine, never for a thread.

/** Gives an input when its turn has come. */
internal suspend fun Engine.drive(choose: () -> Input): Turn = until { if (desk.isFree) give(choose()) else null }

internal suspend fun Engine.settled(turn: Turn) = until(evenClosing = true) { if (isDone(turn)) Unit else null }

/** Waits until [ready], which is called under the lock, has an answer. */
internal suspend fun <T : Any> Engine.until(evenClosing: Boolean = false, ready: () -> T?): T {
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
internal suspend fun <T : Any> Engine.patiently(what: String, limit: Long, ready: () -> T?): T {
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

/** Waits, unless the client is closed meanwhile. */
internal suspend fun Engine.pause(millis: Long) {
    withTimeoutOrNull(millis) { until<Unit> { null } }
}
