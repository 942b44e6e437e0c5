package io.github.webexoauth.client

import com.sun.jna.NativeLibrary
import io.github.webexoauth.RestoreException
import io.github.webexoauth.Secret
import io.github.webexoauth.snapshotRevision
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.withContext
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.channels.OverlappingFileLockException
import java.nio.charset.CharacterCodingException
import java.security.SecureRandom

/**
 * Keeps a session in a file that only its owner may read, and that drivers in other languages share: the file and its
 * locks are those of the Rust `FileStore`, the contract is in adapters/driver/README.md.
 *
 * The file is replaced as a whole and flushed, so that neither a crash nor a full disk damages what was there.
 */
class FileStore(file: File) : TokenStore {
    /** Where it is. A symbolic link is followed. */
    val file: File = file.absoluteFile.canonicalFile

    override suspend fun load(): Secret? = withContext(Dispatchers.IO) { loadNow() }

    override suspend fun save(snapshot: Secret, replaces: Long): SaveResult = withContext(Dispatchers.IO) {
        makeFolder()
        val lock = saveLock()
        try {
            val found = loadNow()
            if (found != null) {
                val held = try {
                    snapshotRevision(found).toLong()
                } catch (_: RestoreException) {
                    throw StoreException(StoreException.Kind.DAMAGED, "$file holds no session")
                }
                if (held != replaces) return@withContext SaveResult.Conflict(found)
            }
            replace(snapshot.expose().toByteArray())
            SaveResult.Stored
        } finally {
            lock.release()
        }
    }

    override suspend fun delete() = withContext(Dispatchers.IO) {
        if (!file.delete() && file.exists()) throw failure("it cannot be deleted")
    }

    override suspend fun tryLock(): StoreLock? = withContext(Dispatchers.IO) {
        makeFolder()
        FileLocks.tryLock(File("$file.refresh-lock"))
    }

    override fun toString(): String = "FileStore($file)"

    private suspend fun saveLock(): StoreLock {
        val end = System.nanoTime() + SAVE_PATIENCE_MS * 1_000_000
        var pause = 1L
        while (true) {
            FileLocks.tryLock(File("$file.lock"))?.let { return it }
            if (System.nanoTime() >= end) throw StoreException(StoreException.Kind.BUSY, "$file is locked")
            delay(pause)
            pause = minOf(pause * 2, 40)
        }
    }

    private fun makeFolder() {
        val folder = file.parentFile ?: return
        val missing = generateSequence(folder) { it.parentFile }.takeWhile { !it.exists() }.toList()
        for (made in missing.asReversed()) {
            if (made.mkdir()) ownerOnly(made, true)
        }
        if (!folder.isDirectory) throw failure("its folder cannot be made")
    }

    private fun loadNow(): Secret? {
        if (!file.exists()) return null
        val bytes = try {
            if (file.length() > MAX_LENGTH) throw StoreException(StoreException.Kind.DAMAGED, "$file is too large")
            file.readBytes()
        } catch (_: java.io.FileNotFoundException) {
            if (!file.exists()) return null
            throw StoreException(StoreException.Kind.DENIED, "$file cannot be read")
        }
        if (bytes.isEmpty()) return null
        return try {
            Secret(Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString())
        } catch (_: CharacterCodingException) {
            throw StoreException(StoreException.Kind.DAMAGED, "$file is not text")
        }
    }

    private fun replace(bytes: ByteArray) {
        val name = ".webex-oauth-" + ByteArray(12).also(random::nextBytes).joinToString("") { "%02x".format(it) }
        val temporary = File(file.parentFile, name)
        try {
            if (!Posix.create(temporary)) {
                temporary.createNewFile()
                ownerOnly(temporary, false)
            }
            FileOutputStream(temporary).use {
                it.write(bytes)
                it.fd.sync()
            }
            if (!temporary.renameTo(file)) throw failure("it cannot be replaced")
        } catch (error: StoreException) {
            temporary.delete()
            throw error
        } catch (error: IOException) {
            temporary.delete()
            if ("space" in error.message.orEmpty()) throw StoreException(StoreException.Kind.FULL, "$file: the disk is full")
            throw failure("it cannot be written")
        }
        // The rename itself is durable only once the folder is flushed.
        file.parentFile?.let(Posix::flush)
    }

    private fun failure(problem: String): StoreException {
        val denied = file.parentFile?.canWrite() == false
        return StoreException(if (denied) StoreException.Kind.DENIED else StoreException.Kind.IO, "$file: $problem")
    }

    private companion object {
        const val MAX_LENGTH = 4L * 1024 * 1024
        const val SAVE_PATIENCE_MS = 10_000L
        val random = SecureRandom()

        fun ownerOnly(file: File, folder: Boolean) {
            file.setReadable(false, false)
            file.setReadable(true, true)
            file.setWritable(false, false)
            file.setWritable(true, true)
            if (folder) {
                file.setExecutable(false, false)
                file.setExecutable(true, true)
            }
        }
    }
}

/** What Java can do only with classes that Android 7 does not have. */
private object Posix {
    private val libc: NativeLibrary? = try {
        if (File.separatorChar == '/') NativeLibrary.getInstance("c") else null
    } catch (_: LinkageError) {
        null
    }

    /** An empty file that was never readable by others. */
    fun create(file: File): Boolean {
        val libc = libc ?: return false
        val handle = libc.getFunction("creat").invokeInt(arrayOf(file.path, 0x180))
        if (handle < 0) return false
        libc.getFunction("close").invokeInt(arrayOf(handle))
        return true
    }

    fun flush(folder: File) {
        val libc = libc ?: return
        val handle = libc.getFunction("open").invokeInt(arrayOf(folder.path, 0))
        if (handle < 0) return
        libc.getFunction("fsync").invokeInt(arrayOf(handle))
        libc.getFunction("close").invokeInt(arrayOf(handle))
    }
}

/** Java's file locks belong to the process, and closing any channel on the file lets go of them: so one at a time. */
private object FileLocks {
    private val held = HashSet<String>()

    fun tryLock(file: File): StoreLock? {
        if (!synchronized(held) { held.add(file.path) }) return null
        var opened: RandomAccessFile? = null
        var locked = false
        try {
            if (!file.exists()) Posix.create(file)
            val handle = RandomAccessFile(file, "rw").also { opened = it }
            locked = handle.channel.tryLock() != null
            if (!locked) return null
            return StoreLock {
                if (handle.channel.isOpen) {
                    handle.close()
                    synchronized(held) { held.remove(file.path) }
                }
            }
        } catch (_: OverlappingFileLockException) {
            return null
        } catch (_: IOException) {
            throw StoreException(StoreException.Kind.IO, "$file cannot be locked")
        } finally {
            if (!locked) {
                opened?.close()
                synchronized(held) { held.remove(file.path) }
            }
        }
    }
}
