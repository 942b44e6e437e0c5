package io.github.webexoauth.client

import io.github.webexoauth.AccessToken

/** An access token. Printing it shows nothing of it. */
class BearerToken internal constructor(
    private val text: String,
    private val header: String,
    /** Counts the tokens of a session. */
    val generation: Long,
    /** When the server will refuse it, in milliseconds since 1970, if known. */
    val expiresAt: Long?,
) {
    /** The token itself, for its destination. */
    fun expose(): String = text

    /** The value of an `Authorization` header. */
    fun exposeHeader(): String = header

    override fun toString(): String = "BearerToken(generation $generation, redacted)"
}

/** Its texts live here: to read them costs no call into the library. */
internal fun bearer(token: AccessToken, generation: ULong, expiresAt: Long?) =
    BearerToken(token.expose(), token.exposeHeader(), generation.toLong(), expiresAt)
