package io.github.webexoauth.client

import io.github.webexoauth.Input
import io.github.webexoauth.SignOutOptions
import kotlinx.coroutines.cancel
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

internal suspend fun Engine.signOut(options: SignOutOptions): String? {
    val turn = drive { Input.SignOut(options) }
    settled(turn)
    withTimeoutOrNull(Engine.FAREWELL) { until { if (others == 0) Unit else null } }
    locked { storeProblem }?.let { throw AuthException.Store(it) }
    return turn.url
}

internal fun Engine.checkOpen() = locked { if (ending != null) throw AuthException.Closed() }

internal fun Engine.close() = locked {
    if (ending == null) {
        ending = scope.launch { end() }
        fresh = null
        changed()
    }
}

private suspend fun Engine.end() {
    withTimeoutOrNull(requestTimeout + Engine.FAREWELL) {
        val enough = System.nanoTime() + Engine.FAREWELL * 1_000_000
        val timer = launch {
            delay(Engine.FAREWELL)
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
        events.end()
        signals.end()
        scope.cancel()
        changed()
    }
}
