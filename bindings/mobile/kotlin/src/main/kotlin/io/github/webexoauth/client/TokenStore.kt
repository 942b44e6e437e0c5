package io.github.webexoauth.client

import io.github.webexoauth.Secret
import io.github.webexoauth.snapshotRevision
import java.util.UUID
import kotlin.time.Instant

/** Where a session survives the end of the process. Several processes may share one. */
public interface TokenStore {
    /** What is stored; `null` where there is nothing. */
    public suspend fun load(): Secret?

    /**
     * Stores durably, if the store holds what is to be replaced; otherwise changes nothing and says what it holds. Comparing
     * and storing is one step. [snapshotRevision] tells which revision a snapshot has.
     */
    public suspend fun save(put: Put): SaveResult

    /** Forgets everything. */
    public suspend fun delete()

    /**
     * Names the store's lock: whoever sees the same name waits for the same lock, and when its holder's process ends, it is
     * free. `null` where no such promise can be given: then no lock is used. It makes waiting shorter, and nothing safer.
     */
    public val lockDomain: String? get() = null

    /** The lock around a request that may change the grant; `null` while another process holds it. */
    public suspend fun tryLock(): StoreLock? = StoreLock {}
}

/** A snapshot to be stored, with what a store may want to know of it: it does not look into the bytes. */
public class Put(
    public val snapshot: Secret,
    /** Its revision, of up to 48 bits. */
    public val revision: Long,
    /**
     * Only if the store holds this revision; 0: only if it holds nothing. What was deleted is not brought back by who has not
     * noticed: another number than 0 never inserts.
     */
    public val replaces: Long,
    /** When somebody should open this session next, for a store that is searched for what is due. */
    public val dueAt: Instant? = null,
) {
    override fun toString(): String = "Put(revision=$revision, replaces=$replaces, dueAt=$dueAt, snapshot=redacted)"
}

/** How a save ended, unless it failed. */
public sealed class SaveResult {
    public object Stored : SaveResult() {
        override fun toString(): String = "Stored"
    }

    /** The store holds something else than was to be replaced: here it is; `null`: nothing any longer. */
    public class Conflict(public val found: Secret?) : SaveResult() {
        override fun toString(): String = "Conflict(${if (found == null) "nothing" else "redacted"})"
    }
}

/** A lock that is held until it is released. */
public fun interface StoreLock {
    public fun release()
}

/** Keeps a session as long as the process lives. */
public class MemoryStore : TokenStore {
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

    override suspend fun delete(): Unit = synchronized(this) { stored = null }

    override val lockDomain: String = "memory ${UUID.randomUUID()}"

    override suspend fun tryLock(): StoreLock? = synchronized(this) {
        if (locked) return null
        locked = true
        StoreLock { synchronized(this) { locked = false } }
    }

    override fun toString(): String = "MemoryStore"
}
