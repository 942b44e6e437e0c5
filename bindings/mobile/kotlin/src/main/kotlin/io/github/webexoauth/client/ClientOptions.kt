package io.github.webexoauth.client

import io.github.webexoauth.Secret
import io.github.webexoauth.TokenAsk
import kotlin.time.Clock
import kotlin.time.Duration

/** What a client may be told beside its configuration. */
public class ClientOptions(
    /** The wall clock. */
    public val clock: Clock = Clock.System,
    /** How long a caller waits; absent means a request's timeout and half a minute. */
    public val patience: Duration? = null,
    /** Asked for a token, as text or JSON, where the configuration leaves the renewal to the host. */
    public val askForToken: (suspend (TokenAsk) -> Secret)? = null,
    /** Asked for a JWT, where the configuration says so. */
    public val askForJwt: (suspend () -> Secret)? = null,
    /** Keep what happens for [AuthClient.transcript]. */
    public val record: Boolean = false,
) {
    override fun toString(): String =
        "ClientOptions(patience=$patience, askForToken=${askForToken != null}, askForJwt=${askForJwt != null}, record=$record)"
}
