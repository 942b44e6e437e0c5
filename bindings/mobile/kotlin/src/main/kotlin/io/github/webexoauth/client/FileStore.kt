package io.github.webexoauth.client

import io.github.webexoauth.SavedFile
import io.github.webexoauth.Secret
import io.github.webexoauth.SessionFile
import io.github.webexoauth.SessionFileException
import io.github.webexoauth.SessionFileLock
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.File

/**
 * Keeps a session in a file that only its owner may read, and that clients in other languages share: it is the same code
 * in all of them, and its contract is in adapters/driver/README.md.
 *
 * The file is replaced as a whole and flushed, so that neither a crash nor a full disk damages what was there. What is no
 * file, a pipe or a device, is refused.
 */
public class FileStore(file: File) : TokenStore {
    private val shared = SessionFile(file.absolutePath)

    /** Where it is. A symbolic link is followed. */
    public val file: File = File(shared.path())

    override suspend fun load(): Secret? = blocking { load() }

    override suspend fun save(put: Put): SaveResult = when (val saved = blocking { save(put.snapshot, put.replaces.toULong()) }) {
        is SavedFile.Stored -> SaveResult.Stored
        is SavedFile.Conflict -> SaveResult.Conflict(saved.found)
    }

    override suspend fun delete(): Unit = blocking { delete() }

    override val lockDomain: String? get() = shared.lockDomain()

    override suspend fun tryLock(): StoreLock? {
        var taken: SessionFileLock? = null
        try {
            return blocking { tryLock().also { taken = it } }?.let { lock -> StoreLock { lock.release() } }
        } catch (error: CancellationException) {
            // Who was cancelled meanwhile never hears of it.
            taken?.release()
            throw error
        }
    }

    override fun toString(): String = "FileStore($file)"

    private suspend fun <T> blocking(call: SessionFile.() -> T): T = withContext(Dispatchers.IO) {
        try {
            shared.call()
        } catch (error: SessionFileException) {
            throw told(error)
        }
    }
}

private fun told(error: SessionFileException): StoreException = when (error) {
    is SessionFileException.Denied -> StoreException(StoreException.Kind.DENIED, "${error.path}: no permission, or read-only")
    is SessionFileException.Full -> StoreException(StoreException.Kind.FULL, "${error.path}: the disk is full")
    is SessionFileException.Busy -> StoreException(StoreException.Kind.BUSY, "${error.path}: locked by another process")
    is SessionFileException.Lock ->
        StoreException(StoreException.Kind.LOCK, "${error.path}: the lock does not work (${error.problem})")
    is SessionFileException.Damaged ->
        StoreException(StoreException.Kind.DAMAGED, "${error.path}: not a stored session, or a damaged one")
    is SessionFileException.Io -> StoreException(StoreException.Kind.IO, "${error.path}: ${error.problem}")
}
