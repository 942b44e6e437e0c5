package io.github.webexoauth.client

import com.fasterxml.jackson.databind.ObjectMapper
import com.sun.net.httpserver.HttpServer
import io.github.webexoauth.ConfigException
import io.github.webexoauth.Flow
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.junit.Simulator
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.net.InetSocketAddress

/** Servers by the metadata that they publish. */
@Timeout(60)
class DiscoveryTest {
    /** Publishes the metadata of the issuer `/t` where OpenID Connect has it, and nothing else. */
    private val server = HttpServer.create(InetSocketAddress("127.0.0.1", 0), 0)
    private val host = "127.0.0.1:${server.address.port}"
    private val base = "http://$host"

    init {
        server.createContext("/") { exchange ->
            val isThere = exchange.requestURI.path == "/t/.well-known/openid-configuration"
            val metadata = mapOf("issuer" to "$base/t", "authorization_endpoint" to "$base/a", "token_endpoint" to "$base/token")
            val body = if (isThere) ObjectMapper().writeValueAsBytes(metadata) else "nothing".toByteArray()
            exchange.sendResponseHeaders(if (isThere) 200 else 404, body.size.toLong())
            exchange.responseBody.use { it.write(body) }
        }
        server.start()
    }

    @AfterEach
    fun stop() = server.stop(0)

    @Test
    fun `a server is found by its issuer`() = runBlocking {
        val provider = discover("$base/t")
        assertEquals("$base/token", provider.tokenEndpoint)
        assertEquals(listOf(host), provider.tokenHosts)
    }

    @Test
    fun `where nothing is published every place is named`() = runBlocking {
        val text = fails<ConfigException> { discover(base) }.toString()
        for (place in listOf("oauth-authorization-server: HTTP 404", "openid-configuration: HTTP 404")) {
            assertTrue(place in text, text)
        }
    }

    @Test
    fun `variables name an issuer`() = runBlocking {
        val config = configFromVariables(mapOf("WEBEX_CLIENT_ID" to "C1", "WEBEX_ISSUER" to "$base/t"))
        assertEquals("$base/t", config.parts().provider.issuer)
    }

    @Test
    fun `variables name a file`(@TempDir folder: File) = runBlocking {
        val file = File(folder, "as.json")
        file.writeText("""{"issuer": "https://as.example", "token_endpoint": "https://as.example/token"}""")
        val config = configFromVariables(mapOf("WEBEX_CLIENT_ID" to "C1", "WEBEX_METADATA" to file.path))
        assertEquals("https://as.example/token", config.parts().provider.tokenEndpoint)
        val missing = mapOf("WEBEX_CLIENT_ID" to "C1", "WEBEX_METADATA" to "${file.path}.none")
        val refused = fails<ConfigException> { configFromVariables(missing) }.toString()
        assertTrue("WEBEX_METADATA" in refused, refused)
    }

    @Test
    fun `what is missing is told with its variable`() = runBlocking {
        val nothing = fails<ConfigException> { configFromVariables(emptyMap()) }
        assertEquals("client_id is missing, set WEBEX_CLIENT_ID", nothing.toString())
        val client = AuthClient.open(configFromVariables(mapOf("WEBEX_CLIENT_ID" to "C1", "WEBEX_CLIENT_SECRET" to "s3")))
        val nowhere = fails<AuthException.Misuse> { client.beginLogin() }.message
        val sentence = "the configuration lacks redirect_uri, which begin_login needs: set it, or the variable WEBEX_REDIRECT_URI"
        assertEquals(sentence, nowhere)
        client.shutdown()
    }

    /** The JVM has U+FFFD in the place of what its encoding cannot read. */
    @Test
    fun `a variable that is not text is named and what nobody reads may be anything`() = runBlocking {
        val known = mapOf("WEBEX_CLIENT_ID" to "C1", "LESSOPEN" to "caf\uFFFD")
        assertEquals("C1", configFromVariables(known).parts().clientId)
        for (name in listOf("WEBEX_CLIENT_ID", "WEBEX_SERVER", "WEBEX_ISSUER", "WEBEX_METADATA", "WEBEX_SCOPE")) {
            val text = fails<ConfigException> { configFromVariables(known + (name to "caf\uFFFD")) }.toString()
            assertTrue("$name is not UTF-8" in text && "caf" !in text, text)
        }
    }

    @Test
    fun `the simulator publishes where it is`() = runBlocking {
        Simulator().use { simulator ->
            val provider = discover(simulator.baseUrl)
            val given = simulator.config().parts()
            val config = configOf(given.clientId, simulator.clientSecret, given.redirectUri, "spark:all", provider)
            val client = AuthClient.open(config)
            client.completeLogin(simulator.authorize(client.beginLogin(LoginOptions(Flow.CODE))))
            assertEquals(1L, client.token().generation)
            client.shutdown()
        }
    }
}
