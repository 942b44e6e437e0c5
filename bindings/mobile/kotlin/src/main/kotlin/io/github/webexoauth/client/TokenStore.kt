package io.github.webexoauth.client

import io.github.webexoauth.Secret
import io.github.webexoauth.snapshotRevision

/** Where a session survives the end of the process. Several processes may share one. */
interface TokenStore {
    /** What is stored; `null` where there is nothing. */
    suspend fun load(): Secret?

    /**
     * Stores durably, if the store is empty or holds the revision that is replaced. [snapshotRevision] tells which one
     * a snapshot has.
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

    /** The store holds another revision: here it is. */
    class Conflict(val found: Secret) : SaveResult()
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
        if (found != null && snapshotRevision(found).toLong() != replaces) return SaveResult.Conflict(found)
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
