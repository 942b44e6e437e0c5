package io.github.webexoauth.conformance

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.ObjectMapper
import java.io.File
import java.io.PrintStream
import kotlin.system.exitProcess

// The runner of the Kotlin column: reads vectors, calls the typed API, prints what it answers. It judges nothing.
//
// arguments: files or folders; one JSON line per test on standard output

/** What could not be read. */
class Problem(message: String) : Exception(message)

fun main(paths: Array<String>) {
    val out = PrintStream(System.out, false, Charsets.UTF_8)
    val json = ObjectMapper()
    try {
        for (file in paths.map(::File).flatMap(::vectors)) {
            for (line in run(json.readTree(file))) out.println(json.writeValueAsString(line))
        }
    } catch (error: Exception) {
        System.err.println("runner: $error")
        exitProcess(1)
    } finally {
        out.flush()
    }
}

private fun vectors(path: File): List<File> = path.walk().filter { it.isFile && it.extension == "json" }.sorted().toList()

private fun run(file: JsonNode): List<Map<String, Any?>> = file["groups"].flatMap { group ->
    group["tests"].map { test ->
        try {
            mapOf("id" to test["id"], "result" to result(file["kind"].asText(), test, group["config"]))
        } catch (problem: Problem) {
            mapOf("id" to test["id"], "skipped" to problem.message)
        }
    }
}

private fun result(kind: String, test: JsonNode, config: JsonNode?): Any = when (kind) {
    "transcript" -> transcript(test, config)
    "coordinator" -> coordinated(test, config)
    else -> call(kind, need(test, "input") { it }, config)
}
