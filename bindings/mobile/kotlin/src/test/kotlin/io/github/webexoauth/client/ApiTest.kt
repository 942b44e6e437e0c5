package io.github.webexoauth.client

import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiTools
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File

/**
 * What an app that was compiled before would miss. A change that is meant is accepted by `scripts/api`; a line that went is a
 * new major version.
 */
class ApiTest {
    private val target = File(System.getProperty("webex.target"))

    private fun api(classes: String): String {
        val files = File(target, "maven/classes/$classes").walk().filter { it.extension == "class" }.sorted().toList()
        assertTrue(files.isNotEmpty())
        return StringBuilder().also { AbiTools.getInstance().printJvmDump(it, files, AbiFilters.EMPTY) }.toString()
    }

    @Test
    fun `what is public is what was written down`() {
        val found = api("io/github/webexoauth/client")
        val fresh = File(target, "client.api").apply { writeText(found) }
        val written = File("api/client.api").takeIf { it.exists() }?.readText().orEmpty()
        // As a whole: a member of the same form may have gone from one class and be in another.
        assertEquals(written, found, "The public API has changed: $fresh. scripts/api accepts it.")
    }
}
