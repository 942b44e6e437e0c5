package io.github.webexoauth.client

import io.github.webexoauth.Config
import io.github.webexoauth.ConfigParts
import io.github.webexoauth.Provider
import io.github.webexoauth.Secret
import io.github.webexoauth.configParts
import io.github.webexoauth.configPartsFromAuthorizationUrl
import io.github.webexoauth.providerWebex
import okhttp3.OkHttpClient

/** A configuration; [change] is for everything that has a default. Throws `ConfigException`, which names the field. */
public fun configOf(
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
public fun configFromAuthorizationUrl(url: String, change: ConfigParts.() -> ConfigParts = { this }): Config =
    Config(configPartsFromAuthorizationUrl(url).change())

/**
 * From named variables, the process's environment unless said otherwise: `WEBEX_CLIENT_ID` and its relatives. The metadata
 * of `WEBEX_ISSUER` is fetched with [http], that of `WEBEX_METADATA` read from its file.
 */
public suspend fun configFromVariables(
    variables: Map<String, String> = System.getenv(),
    http: OkHttpClient = sharedHttp,
    change: ConfigParts.() -> ConfigParts = { this },
): Config = Config.fromVariables(partsFromVariables(variables, http).change())
