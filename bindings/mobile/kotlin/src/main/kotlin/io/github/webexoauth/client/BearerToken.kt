package io.github.webexoauth.client

import io.github.webexoauth.AccessToken
import kotlin.time.Instant

/** An access token. Printing it shows nothing of it. */
public class BearerToken internal constructor(
    private val text: String,
    private val header: String,
    /** Counts the tokens of a session. */
    public val generation: Long,
    /** When the server will refuse it, if known. */
    public val expiresAt: Instant?,
) {
    /** The token itself, for its destination. */
    public fun expose(): String = text

    /** The value of an `Authorization` header. */
    public fun exposeHeader(): String = header

    override fun toString(): String = "BearerToken(generation $generation, redacted)"
}

/** Its texts live here: to read them costs no call into the library. */
internal fun bearer(token: AccessToken, generation: ULong, expiresAt: Long?) =
    BearerToken(token.expose(), token.exposeHeader(), generation.toLong(), expiresAt?.let(Instant::fromEpochMilliseconds))
