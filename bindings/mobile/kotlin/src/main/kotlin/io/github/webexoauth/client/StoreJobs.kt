package io.github.webexoauth.client

import io.github.webexoauth.JobOp
import io.github.webexoauth.JobResult
import io.github.webexoauth.SendFault
import io.github.webexoauth.StoreFault
import io.github.webexoauth.StoreFaultKind
import kotlin.time.Instant

/** Does a coordinator's jobs at a store, and remembers how that puts it when it fails. */
internal class StoreJobs(private val store: TokenStore) {
    private var lock: StoreLock? = null

    @Volatile
    private var last: StoreException? = null

    suspend fun run(op: JobOp): JobResult = try {
        attempt(op)
    } catch (error: Throwable) {
        val told = StoreException.of(error).also { last = it }
        JobResult.StoreFailed(told.asFault())
    }

    private suspend fun attempt(op: JobOp): JobResult = when (op) {
        is JobOp.Load -> JobResult.Loaded(store.load())
        is JobOp.Save -> {
            val put = Put(op.snapshot, op.revision.toLong(), op.replaces.toLong(), op.dueAt?.let(Instant::fromEpochMilliseconds))
            when (val saved = store.save(put)) {
                is SaveResult.Stored -> JobResult.Saved
                is SaveResult.Conflict -> JobResult.Conflict(saved.found)
            }
        }
        is JobOp.TryLock -> {
            // One that came too late to be told of.
            keep(null)
            val taken = store.tryLock()
            keep(taken)
            if (taken != null) JobResult.Locked else JobResult.LockBusy
        }
        is JobOp.Unlock -> {
            keep(null)
            JobResult.Unlocked
        }
        is JobOp.Send, is JobOp.AskForToken, is JobOp.AskForJwt -> JobResult.SendFailed(SendFault.NOT_SENT)
    }

    /** The lock that was held until now goes. */
    private fun keep(taken: StoreLock?) {
        val before = synchronized(this) { lock.also { lock = taken } }
        before?.release()
    }

    /** In the store's own words, where they are known. */
    fun wordsOf(fault: StoreFault): StoreException? = last?.takeIf { it.asFault() == fault }
}

private fun StoreException.asFault(): StoreFault {
    val kind = when (kind) {
        StoreException.Kind.DENIED -> StoreFaultKind.DENIED
        StoreException.Kind.FULL -> StoreFaultKind.FULL
        StoreException.Kind.DAMAGED -> StoreFaultKind.DAMAGED
        StoreException.Kind.BUSY -> StoreFaultKind.UNAVAILABLE
        StoreException.Kind.LOCK, StoreException.Kind.IO, StoreException.Kind.FOREIGN -> StoreFaultKind.OTHER
    }
    // Half a surrogate pair does not cross the border.
    return StoreFault(kind, String(message.orEmpty().toByteArray()))
}

internal fun StoreFault.asException(stores: StoreJobs?): StoreException = stores?.wordsOf(this) ?: StoreException(
    when (kind) {
        StoreFaultKind.DENIED -> StoreException.Kind.DENIED
        StoreFaultKind.FULL -> StoreException.Kind.FULL
        StoreFaultKind.DAMAGED -> StoreException.Kind.DAMAGED
        StoreFaultKind.UNAVAILABLE -> StoreException.Kind.BUSY
        StoreFaultKind.OTHER -> StoreException.Kind.FOREIGN
    },
    problem,
)
