package io.github.webexoauth.client

import io.github.webexoauth.ConfigParts
import io.github.webexoauth.MetadataAnswer
import io.github.webexoauth.MetadataStep
import io.github.webexoauth.Provider
import io.github.webexoauth.SendFault
import io.github.webexoauth.configPartsFromVariables
import io.github.webexoauth.configPartsFromVariablesAt
import io.github.webexoauth.metadataSource
import io.github.webexoauth.metadataStep
import io.github.webexoauth.providerFromMetadataFile
import io.github.webexoauth.targetUri
import io.github.webexoauth.unreadableMetadata
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import okhttp3.Authenticator
import okhttp3.CookieJar
import okhttp3.OkHttpClient
import okhttp3.Request
import java.io.File
import java.io.IOException

/** For one document; there are three places at most. */
private const val PATIENCE_MS = 30_000L

/** No server says more about itself. */
private const val MOST_BYTES = 1024L * 1024

/**
 * The server whose issuer this is, by the metadata that it publishes (RFC 8414, OpenID Connect Discovery).
 *
 * Throws `ConfigException`, which says where was looked and what was there.
 */
public suspend fun discover(issuer: String, http: OkHttpClient = sharedHttp): Provider {
    val answers = ArrayList<MetadataAnswer>()
    while (true) {
        when (val step = metadataStep(issuer, answers)) {
            is MetadataStep.Found -> return step.provider
            is MetadataStep.Fetch -> answers.add(http.fetch(step.url))
        }
    }
}

private suspend fun OkHttpClient.fetch(url: String): MetadataAnswer = try {
    val target = targetUri(url)
    val address = target.asHttpUrl() ?: throw TransportException(SendFault.NOT_SENT, "the URL cannot be called as it is meant")
    val sent = Sent()
    val request = Request.Builder().url(address).header("Accept", "application/json").tag(Sent::class.java, sent).build()
    val client = newBuilder().directly(target.isLoopback).timedFromOutside().authenticator(Authenticator.NONE)
        .cookieJar(CookieJar.NO_COOKIES).followRedirects(false).addNetworkInterceptor(Sent.Noted).build()
    val (response, body) = client.newCall(request).exchange(sent, PATIENCE_MS, MOST_BYTES)
    MetadataAnswer.Response(response.code.toUShort(), body)
} catch (error: TransportException) {
    MetadataAnswer.Failed(error.fault)
}

/** What named variables say, at the server whose metadata they name: read from its file or fetched. */
internal suspend fun partsFromVariables(variables: Map<String, String>, http: OkHttpClient): ConfigParts {
    val source = metadataSource(variables) ?: return configPartsFromVariables(variables, false)
    val file = source.file
    val provider = if (file == null) {
        discover(source.issuer.orEmpty(), http)
    } else {
        val document = try {
            withContext(Dispatchers.IO) { File(file).readBytes() }
        } catch (error: IOException) {
            throw unreadableMetadata(source, kindOf(error))
        }
        providerFromMetadataFile(source, document)
    }
    return configPartsFromVariablesAt(provider, variables, false)
}
