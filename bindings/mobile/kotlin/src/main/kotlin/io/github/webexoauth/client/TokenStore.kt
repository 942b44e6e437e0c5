package io.github.webexoauth.client

import io.github.webexoauth.Secret
import io.github.webexoauth.snapshotRevision
import java.util.UUID

/** Where a session survives the end of the process. Several processes may share one. */
interface TokenStore {
    /** What is stored; `null` where there is nothing. */
    suspend fun load(): Secret?

    /**
     * Stores durably, if the store holds what is to be replaced; otherwise changes nothing and says what it holds. Comparing
     * and storing is one step. [snapshotRevision] tells which revision a snapshot has.
     */
    suspend fun save(put: Put): SaveResult

    /** Forgets everything. */
    suspend fun delete()

    /**
     * Names the store's lock: whoever sees the same name waits for the same lock, and when its holder's process ends, it is
     * free. `null` where no such promise can be given: then no lock is used. It makes waiting shorter, and nothing safer.
     */
    val lockDomain: String? get() = null

    /** The lock around a request that may change the grant; `null` while another process holds it. */
    suspend fun tryLock(): StoreLock? = StoreLock {}
}

/** A snapshot to be stored, with what a store may want to know of it: it does not look into the bytes. */
class Put(
    val snapshot: Secret,
    /** Its revision, of up to 48 bits. */
    val revision: Long,
    /**
     * Only if the store holds this revision; 0: only if it holds nothing. What was deleted is not brought back by who has not
     * noticed: another number than 0 never inserts.
     */
    val replaces: Long,
    /** When somebody should open this session next (milliseconds since 1970), for a store that is searched for what is due. */
    val dueAt: Long? = null,
)

/** How a save ended, unless it failed. */
sealed class SaveResult {
    object Stored : SaveResult()

    /** The store holds something else than was to be replaced: here it is; `null`: nothing any longer. */
    class Conflict(val found: Secret?) : SaveResult()
}

/** A lock that is held until it is released. */
fun interface StoreLock {
    fun release()
}

/** Keeps a session as long as the process lives. */
class MemoryStore : TokenStore {
    private var stored: Secret? = null
    private var locked = false

    override suspend fun load(): Secret? = synchronized(this) { stored }

    override suspend fun save(put: Put): SaveResult = synchronized(this) {
        val found = stored
        val held = found?.let { snapshotRevision(it).toLong() } ?: 0
        if (held != put.replaces) return SaveResult.Conflict(found)
        stored = put.snapshot
        SaveResult.Stored
    }

    override suspend fun delete() = synchronized(this) { stored = null }

    override val lockDomain: String = "memory ${UUID.randomUUID()}"

    override suspend fun tryLock(): StoreLock? = synchronized(this) {
        if (locked) return null
        locked = true
        StoreLock { synchronized(this) { locked = false } }
    }

    override fun toString(): String = "MemoryStore"
}
