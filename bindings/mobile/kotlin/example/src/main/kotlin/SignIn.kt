package io.github.webexoauth.examples

import com.fasterxml.jackson.databind.ObjectMapper
import io.github.webexoauth.Config
import io.github.webexoauth.client.AuthClient
import io.github.webexoauth.client.FileStore
import io.github.webexoauth.client.authorizedBy
import io.github.webexoauth.client.configFromVariables
import io.github.webexoauth.providerWebexAt
import kotlinx.coroutines.runBlocking
import okhttp3.OkHttpClient
import okhttp3.Request
import java.io.File

/**
 * Signs in and says who that is.
 *
 * The configuration comes from the environment: `WEBEX_CLIENT_ID`, `WEBEX_CLIENT_SECRET`, `WEBEX_REDIRECT_URI`,
 * `WEBEX_SCOPE`. The first argument is the file that keeps the session; a second one names another server with Webex's
 * paths: the simulator.
 */
fun main(arguments: Array<String>) = runBlocking {
    val server = arguments.getOrNull(1)
    val config = configFromVariables { if (server == null) this else copy(provider = providerWebexAt(server)) }
    val name = signIn(config, File(arguments.first()), server ?: "https://webexapis.com") { url ->
        println("Open this page, sign in, and paste the address where the browser ends:\n$url")
        readln()
    }
    println("Hello, $name!")
}

/** [browse] brings the user to the URL and returns the address where the browser arrived. */
suspend fun signIn(config: Config, file: File, api: String, browse: suspend (String) -> String): String {
    val client = AuthClient.open(config, FileStore(file))
    try {
        if (!client.status.canAuthorize) client.completeLogin(browse(client.beginLogin()))
        val http = OkHttpClient.Builder().authorizedBy(client).build()
        val request = Request.Builder().url("$api/v1/people/me").build()
        http.newCall(request).execute().use { answer ->
            check(answer.isSuccessful) { "the API answered ${answer.code}" }
            return ObjectMapper().readTree(answer.body!!.string())["displayName"].asText()
        }
    } finally {
        client.shutdown()
    }
}
