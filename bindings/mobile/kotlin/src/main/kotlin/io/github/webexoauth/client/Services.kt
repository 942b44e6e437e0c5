package io.github.webexoauth.client

import io.github.webexoauth.Config
import io.github.webexoauth.MisuseException
import io.github.webexoauth.Services
import kotlin.time.Duration

/** The catalog of services that a client knows, and where its calls may carry the token because of it. */
internal class KnownServices(private val config: Config) {
    private class Known(val services: Services, val config: Config)

    @Volatile
    private var known: Known? = null

    val services: Services? get() = known?.services

    /** What judges calls: the configuration that knows the catalog; the client's own where none is known. */
    val judge: Config get() = known?.config ?: config

    fun set(services: Services): Services {
        known = Known(services, config.withServices(services))
        return services
    }
}

/**
 * Where each of the server's services is, by name, as its catalog says: `services().url("hydra")`. The catalog that is
 * known; where it is older than [maxAge] (left out: a day), what the server says now. From then on the token may go
 * to the hosts that it names, where the provider says so (`Provider.catalogHostsCarryToken`).
 *
 * Throws as [AuthClient.call]; `ConfigException` where the answer is no catalog; [AuthException.Misuse] where the server
 * has none. What was known before stays known.
 */
public suspend fun AuthClient.services(maxAge: Duration? = null): Services {
    val age = maxAge?.inWholeMilliseconds?.coerceAtLeast(0)?.toULong()
    known.services?.takeUnless { it.isOld(executor.now, age) }?.let { return it }
    val url = try {
        config.catalogUrl()
    } catch (error: MisuseException) {
        throw AuthException.Misuse(error)
    }
    val answer = call(url)
    return known.set(Services.read(executor.now, answer.status.toUShort(), answer.body))
}

/** The catalog that [services] brought or [useServices] was given, however old it is. */
public val AuthClient.knownServices: Services? get() = known.services

/** Makes a catalog known that was kept (`Services.toJson`, `Services.restore`). */
public fun AuthClient.useServices(services: Services) {
    known.set(services)
}
