package io.github.webexoauth.client

import io.github.webexoauth.Secret
import io.github.webexoauth.snapshotRevision
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.file.Files
import java.nio.file.attribute.PosixFilePermissions

/** The file itself is the driver's, and tested there; here, that all of it arrives. */
@Timeout(60)
class FileStoreTest {
    @TempDir
    lateinit var folder: File

    private fun names() = folder.list()!!.sorted()

    private fun snapshot(revision: Int) = Secret("""{"webex_oauth":1,"revision":$revision}""")

    private fun SaveResult.text(): String? = (this as SaveResult.Conflict).found?.expose()

    private suspend fun TokenStore.save(snapshot: Secret, replaces: Long) = save(put(snapshot, replaces))

    private suspend fun kind(call: suspend () -> Any?): StoreException.Kind = fails<StoreException> { call() }.kind

    @Test
    fun `compares and swaps, and forgets`() = runBlocking {
        for (store in listOf(MemoryStore(), FileStore(File(folder, "new/folder/session")))) {
            assertNull(store.load())
            store.delete()
            assertEquals(SaveResult.Stored, store.save(snapshot(7), 0))
            assertEquals(snapshot(7).expose(), store.load()?.expose())
            assertEquals(snapshot(7).expose(), store.save(snapshot(9), 8).text())
            assertEquals(snapshot(7).expose(), store.save(snapshot(9), 0).text())
            assertEquals(SaveResult.Stored, store.save(snapshot(8), 7))
            store.delete()
            store.delete()
            assertNull(store.load())
        }
        val modes = listOf("new", "new/folder").map { Files.getPosixFilePermissions(File(folder, it).toPath()) }
        assertEquals(setOf("rwx------"), modes.map(PosixFilePermissions::toString).toSet())
    }

    @Test
    fun `what a killed save has left goes with the next save, and with a delete`() = runBlocking {
        val store = FileStore(File(folder, "session"))
        store.save(snapshot(1), 0)
        val draft = File(folder, "session.new").apply { writeText("tokens") }
        assertEquals(SaveResult.Stored, store.save(snapshot(2), 1))
        assertEquals(listOf("session", "session.lock"), names())
        draft.writeText("tokens")
        store.delete()
        assertEquals(listOf("session.lock"), names())
    }

    @Test
    fun `a killed process leaves one draft at most, and the file whole`() = runBlocking {
        val store = FileStore(File(folder, "session"))
        val draft = File(folder, "session.new")
        store.save(snapshot(1), 0)
        repeat(3) { round ->
            val java = File(System.getProperty("java.home"), "bin/java").path
            val library = "-Djna.library.path=" + System.getProperty("jna.library.path")
            val command =
                listOf(java, library, "-cp", System.getProperty("java.class.path"), "$PACKAGE.FileStoreTestKt", store.file.path)
            val saver = ProcessBuilder(command).redirectErrorStream(true).start()
            try {
                eventually("a save in another process") { draft.exists() }
                Thread.sleep(round.toLong())
            } finally {
                saver.destroyForcibly().waitFor()
            }
            assertEquals(listOf("session", "session.lock"), names() - draft.name)
            val revision = snapshotRevision(store.load()!!).toInt()
            assertEquals(SaveResult.Stored, store.save(snapshot(revision + 1), revision.toLong()))
            assertEquals(listOf("session", "session.lock"), names())
        }
    }

    @Test
    fun `pipes and devices are refused at once, and stay`() = runBlocking {
        val pipe = File(folder, "pipe")
        assertEquals(0, ProcessBuilder("mkfifo", pipe.path).start().waitFor())
        val link = Files.createSymbolicLink(File(folder, "link").toPath(), pipe.toPath()).toFile()
        withTimeout(20_000) {
            for (store in listOf(FileStore(pipe), FileStore(link))) {
                assertEquals(StoreException.Kind.IO, kind { store.load() })
                assertEquals(StoreException.Kind.IO, kind { store.save(snapshot(1), 0) })
                assertEquals(StoreException.Kind.IO, kind { store.delete() })
                val config = configOf(clientId = "c", clientSecret = "s", redirectUri = "https://example.com/")
                assertEquals(StoreException.Kind.IO, fails<AuthException.Store> { AuthClient.open(config, store) }.problem.kind)
            }
            assertEquals(StoreException.Kind.IO, kind { FileStore(File("/dev/zero")).load() })
        }
        assertTrue(pipe.exists() && !pipe.isFile)
    }

    @Test
    fun `each failure is of its kind and names the path`() = runBlocking {
        File(folder, "text").writeText("no session")
        assertEquals(StoreException.Kind.DAMAGED, kind { FileStore(File(folder, "text")).save(snapshot(1), 0) })
        File(folder, "bytes").writeBytes(byteArrayOf(-1, -2))
        assertEquals(StoreException.Kind.DAMAGED, kind { FileStore(File(folder, "bytes")).load() })
        File(folder, "folder").mkdir()
        assertEquals(StoreException.Kind.IO, kind { FileStore(File(folder, "folder")).load() })
        assertEquals(StoreException.Kind.IO, kind { FileStore(File(folder, "text/session")).save(snapshot(1), 0) })
        File(folder, "session.refresh-lock").mkdir()
        val error = fails<StoreException> { FileStore(File(folder, "session")).tryLock() }
        assertEquals(StoreException.Kind.LOCK, error.kind)
        assertTrue("session.refresh-lock" in error.message!!, error.message)
    }

    @Test
    fun `two handles and two processes exclude each other`() = runBlocking {
        val (one, two) = List(2) { FileStore(File(folder, "session")) }
        val held = one.tryLock()!!
        assertNull(two.tryLock())
        assertNull(one.tryLock())
        held.release()
        val python = """
            import fcntl, sys
            lock = open(sys.argv[1], "a")
            fcntl.lockf(lock, fcntl.LOCK_EX)
            print("locked", flush=True)
            sys.stdin.readline()
            fcntl.lockf(lock, fcntl.LOCK_UN)
            print("released", flush=True)
            sys.stdin.readline()
        """.trimIndent()
        val other = ProcessBuilder("python3", "-c", python, "${one.file}.refresh-lock").start()
        val (lines, input) = other.inputStream.bufferedReader() to other.outputStream
        assertEquals("locked", lines.readLine())
        assertNull(one.tryLock())
        input.write("\n".toByteArray())
        input.flush()
        assertEquals("released", lines.readLine())
        assertNotNull(two.tryLock())
        input.close()
        assertEquals(0, other.waitFor())
    }

    @Test
    fun `who was cancelled holds no lock`() = runBlocking {
        val store = FileStore(File(folder, "session"))
        repeat(50) {
            val taking = launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { store.tryLock()?.release() }
            taking.cancelAndJoin()
        }
        val lock = store.tryLock()
        assertNotNull(lock)
        lock!!.release()
        lock.release()
        assertNotNull(store.tryLock())
    }
}

private const val PACKAGE = "io.github.webexoauth.client"

private fun put(snapshot: Secret, replaces: Long) = Put(snapshot, snapshotRevision(snapshot).toLong(), replaces)

/** Saves to a file until it is killed. */
fun main(arguments: Array<String>) = runBlocking {
    val store = FileStore(File(arguments.single()))
    val filler = "x".repeat(2 * 1024 * 1024)
    while (true) {
        val revision = snapshotRevision(store.load()!!).toLong()
        val next = """{"webex_oauth":1,"revision":${revision + 1},"filler":"$filler"}"""
        check(store.save(put(Secret(next), revision)) is SaveResult.Stored)
    }
}
