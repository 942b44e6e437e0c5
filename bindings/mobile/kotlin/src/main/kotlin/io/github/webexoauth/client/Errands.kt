package io.github.webexoauth.client

import io.github.webexoauth.HttpRequest
import io.github.webexoauth.Input
import io.github.webexoauth.Secret
import io.github.webexoauth.SendFault
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

// What goes out to stores, transports and callbacks. They are the host's: they may block, hang, and throw whatever there
// is. Of a foreign exception nothing is told but its type.

/** Begins one. It belongs to the client. [grant] is `null` for one that nobody has to wait for at the end. */
internal fun Engine.errand(grant: Boolean?, work: suspend () -> Unit) {
    count(grant, 1)
    scope.launch(Dispatchers.IO) {
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

private fun Engine.count(grant: Boolean?, change: Int) {
    if (grant == true) grants += change else if (grant == false) others += change
}

private fun Engine.storeFailed(error: Throwable): StoreException =
    StoreException.of(error).also { events.tell(AuthEvent.StoreFailed(it)) }

internal suspend fun Engine.save(store: TokenStore, snapshot: Secret, replaces: Long) {
    val result = try {
        Result.success(store.save(snapshot, replaces).also { believable(it, replaces) })
    } catch (error: Throwable) {
        Result.failure(error)
    }
    locked {
        // The new state counts from here.
        fresh = null
        result.fold({
            if (desk.saved(now, it)) events.tell(AuthEvent.StoreRecovered)
            if (!desk.isUnsaved) storeProblem = null
        }, {
            desk.failed(now)
            storeProblem = storeFailed(it)
        })
        pump()
    }
}

/**
 * A conflict with nothing readable, or with what was to be replaced, would be saved over for ever; and what another
 * client or version has stored is left alone.
 */
private fun Engine.believable(result: SaveResult, replaces: Long) {
    if (result !is SaveResult.Conflict) return
    val problem = "what the store holds is no session, or that of another client or version"
    val found = result.found
    val held = if (found == null) 0L else desk.revision(found) ?: throw StoreException(StoreException.Kind.DAMAGED, problem)
    if (held == replaces) throw StoreException(StoreException.Kind.DAMAGED, "the store contradicts itself")
}

internal suspend fun Engine.carry(request: HttpRequest) {
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
        } catch (error: Throwable) {
            storeFailed(error)
        }
    }
}

/** Whatever the transport does, there is an answer in time. */
private suspend fun Engine.exchange(request: HttpRequest): Input {
    // On its own, so that one that blocks its thread is not waited for.
    val sending = scope.async(Dispatchers.IO) { transport.send(request) }
    return try {
        // A transport that keeps the time itself knows better what became of the request.
        val response = sending.awaitInTime(request.timeoutMs.toLong() + A_LITTLE_MORE)
        if (response != null) Input.Response(request.id, response) else Input.SendFailed(request.id, SendFault.LOST)
    } catch (error: TransportException) {
        Input.SendFailed(request.id, error.fault)
    } catch (_: Throwable) {
        Input.SendFailed(request.id, SendFault.LOST)
    } finally {
        sending.cancel()
    }
}

/** [lock] is `null` where the lock does not work: better a request without it than none. */
private class Taken(val lock: StoreLock?)

private suspend fun Engine.takeLock(store: TokenStore, request: HttpRequest): Taken? {
    val end = System.nanoTime() + LOCK_PATIENCE * 1_000_000
    var pause = 1L
    while (session.awaits(request.id)) {
        try {
            store.tryLock()?.let { return Taken(it) }
        } catch (error: Throwable) {
            return if (storeFailed(error).kind == StoreException.Kind.BUSY) null else Taken(null)
        }
        if (System.nanoTime() >= end) {
            storeFailed(StoreException(StoreException.Kind.BUSY, "another process keeps the store's lock"))
            return null
        }
        delay(pause)
        pause = minOf(pause * 2, 50)
    }
    return null
}

private const val LOCK_PATIENCE = 12_000L
private const val A_LITTLE_MORE = 500L

/** Another process may have renewed the tokens, or signed in or out. Answers whether there was news. */
internal suspend fun Engine.lookIntoStore(): Boolean {
    val store = store ?: return false
    val found = try {
        withContext(Dispatchers.IO) { store.load() } ?: return false
    } catch (error: Throwable) {
        // The caller was cancelled, or the store says so.
        currentCoroutineContext().ensureActive()
        storeFailed(error)
        return false
    }
    val turn = locked { if (desk.isNews(found)) post(Input.Reload(found)) else null } ?: return false
    settled(turn)
    return true
}

internal suspend fun Engine.ask(id: ULong, answer: suspend () -> Input?) {
    val input = try {
        answer() ?: Input.HostFailed(id, "no callback is set")
    } catch (error: Throwable) {
        Input.HostFailed(id, "the callback failed (${kindOf(error)})")
    }
    locked { post(input) }
}
