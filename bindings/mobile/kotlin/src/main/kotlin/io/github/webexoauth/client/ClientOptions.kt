package io.github.webexoauth.client

import io.github.webexoauth.Secret
import io.github.webexoauth.TokenAsk

/** What a client may be told beside its configuration. */
class ClientOptions(
    /** The wall clock, in milliseconds since 1970. */
    val clock: () -> Long = System::currentTimeMillis,
    /** How long a caller waits; absent means a request's timeout and half a minute. */
    val patienceMillis: Long? = null,
    /** Asked for a token, as text or JSON, where the configuration leaves the renewal to the host. */
    val askForToken: (suspend (TokenAsk) -> Secret)? = null,
    /** Asked for a JWT, where the configuration says so. */
    val askForJwt: (suspend () -> Secret)? = null,
    /** Keep what happens for [AuthClient.transcript]. */
    val record: Boolean = false,
)
