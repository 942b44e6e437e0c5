package io.github.webexoauth.client

import io.github.webexoauth.Secret
import io.github.webexoauth.snapshotRevision

/** Where a session survives the end of the process. Several processes may share one. */
interface TokenStore {
    /** What is stored; `null` where there is nothing. */
    suspend fun load(): Secret?

    /**
     * Stores durably, if the store holds the revision that is replaced, or, where that is 0, nothing: what was deleted is
     * not brought back by who has not noticed. [snapshotRevision] tells which one a snapshot has.
     */
    suspend fun save(snapshot: Secret, replaces: Long): SaveResult

    /** Forgets everything. */
    suspend fun delete()

    /** The lock around a request that may change the grant; `null` while another process holds it. */
    suspend fun tryLock(): StoreLock? = StoreLock {}
}

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

    override suspend fun save(snapshot: Secret, replaces: Long): SaveResult = synchronized(this) {
        val found = stored
        val held = found?.let { snapshotRevision(it).toLong() } ?: 0
        if (held != replaces) return SaveResult.Conflict(found)
        stored = snapshot
        SaveResult.Stored
    }

    override suspend fun delete() = synchronized(this) { stored = null }

    override suspend fun tryLock(): StoreLock? = synchronized(this) {
        if (locked) return null
        locked = true
        StoreLock { synchronized(this) { locked = false } }
    }

    override fun toString(): String = "MemoryStore"
}
