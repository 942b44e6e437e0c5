package io.github.webexoauth.junit

import java.io.IOException

private const val NAME = "webex-oauth-simulator"
private const val PROPERTY = "webex.oauth.simulator"
private const val VARIABLE = "WEBEX_OAUTH_SIMULATOR"

/** Where the program is: as a system property or the environment says, or on the path. */
internal fun program(): String = System.getProperty(PROPERTY) ?: System.getenv(VARIABLE) ?: NAME

internal fun start(program: String, arguments: Array<out String>): Process = try {
    ProcessBuilder(program, "--json", "--stop-with-stdin", *arguments).redirectError(ProcessBuilder.Redirect.INHERIT).start()
} catch (error: IOException) {
    throw IllegalStateException(
        "$program cannot be started. `cargo install --path conformance/simulator` in a clone of webex-oauth puts $NAME on " +
            "the path; the variable $VARIABLE or the system property $PROPERTY may name another place.",
        error,
    )
}
