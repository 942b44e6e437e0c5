package io.github.webexoauth.client

import io.github.webexoauth.Config
import io.github.webexoauth.ConfigParts
import io.github.webexoauth.Provider
import io.github.webexoauth.Secret
import io.github.webexoauth.configParts
import io.github.webexoauth.configPartsFromAuthorizationUrl
import io.github.webexoauth.configPartsFromVariables
import io.github.webexoauth.providerWebex

/** A configuration; [change] is for everything that has a default. Throws `ConfigException`, which names the field. */
fun configOf(
    clientId: String,
    clientSecret: String? = null,
    redirectUri: String? = null,
    scope: String = "",
    provider: Provider = providerWebex(),
    change: ConfigParts.() -> ConfigParts = { this },
): Config {
    val secret = clientSecret?.let(::Secret)
    val parts = configParts(provider, clientId).copy(clientSecret = secret, redirectUri = redirectUri, scope = scope)
    return Config(parts.change())
}

/** From the authorization URL that the developer portal shows. */
fun configFromAuthorizationUrl(url: String, change: ConfigParts.() -> ConfigParts = { this }): Config =
    Config(configPartsFromAuthorizationUrl(url).change())

/** From named variables, the process's environment unless said otherwise: `WEBEX_CLIENT_ID` and its relatives. */
fun configFromVariables(
    variables: Map<String, String> = System.getenv(),
    change: ConfigParts.() -> ConfigParts = { this },
): Config = Config(configPartsFromVariables(variables, false).change())
