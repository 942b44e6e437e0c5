package io.github.webexoauth.examples

import com.fasterxml.jackson.databind.ObjectMapper
import io.github.webexoauth.Config
import io.github.webexoauth.ConfigException
import io.github.webexoauth.client.AuthClient
import io.github.webexoauth.client.AuthException
import io.github.webexoauth.client.FileStore
import io.github.webexoauth.client.MemoryStore
import io.github.webexoauth.client.TokenStore
import io.github.webexoauth.client.authorizedBy
import io.github.webexoauth.client.configFromVariables
import kotlinx.coroutines.runBlocking
import okhttp3.OkHttpClient
import okhttp3.Request
import java.io.File
import kotlin.system.exitProcess

/**
 * Signs in and says who that is.
 *
 * The configuration comes from the environment: `WEBEX_CLIENT_ID`, `WEBEX_CLIENT_SECRET`, `WEBEX_REDIRECT_URI`,
 * `WEBEX_SCOPE`, and `WEBEX_SERVER` where that is not Webex. An argument names the file that keeps the session; without
 * one it ends with the program.
 */
fun main(arguments: Array<String>) = runBlocking {
    val store = arguments.firstOrNull()?.let { FileStore(File(it)) } ?: MemoryStore()
    try {
        val name = signIn(configFromVariables(), store) { url ->
            println("Open this page, sign in, and paste the address where the browser ends:\n$url")
            readlnOrNull().orEmpty()
        }
        println("Hello, $name!")
    } catch (error: AuthException) {
        end(error.message.orEmpty())
    } catch (error: ConfigException) {
        end(error.toString())
    }
}

/** What is wrong, in a sentence. */
private fun end(problem: String): Nothing {
    System.err.println(problem)
    exitProcess(1)
}

/** [browse] brings the user to the URL and returns the address where the browser arrived. */
suspend fun signIn(config: Config, store: TokenStore, browse: suspend (String) -> String): String {
    val client = AuthClient.open(config, store)
    try {
        if (!client.status.canAuthorize) client.completeLogin(browse(client.beginLogin()))
        val http = OkHttpClient.Builder().authorizedBy(client).build()
        val api = checkNotNull(config.parts().provider.apiBase) { "this server has no API" }
        val request = Request.Builder().url("$api/people/me").build()
        http.newCall(request).execute().use { answer ->
            check(answer.isSuccessful) { "the API answered ${answer.code}" }
            return ObjectMapper().readTree(answer.body!!.string())["displayName"].asText()
        }
    } finally {
        client.shutdown()
    }
}
