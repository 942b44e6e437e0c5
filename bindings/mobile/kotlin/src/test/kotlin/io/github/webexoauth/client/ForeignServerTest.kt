package io.github.webexoauth.client

import com.fasterxml.jackson.databind.ObjectMapper
import io.github.webexoauth.ClientAuth
import io.github.webexoauth.providerFromMetadata
import kotlinx.coroutines.runBlocking
import okhttp3.OkHttpClient
import okhttp3.Request
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource

/** A server that nobody here wrote: oidc-provider, the strict one. scripts/stages/80-kotlin starts it. */
@EnabledIfEnvironmentVariable(named = "WEBEX_OAUTH_OIDC_PROVIDER", matches = ".+")
@Timeout(120)
class ForeignServerTest {
    private val start = ObjectMapper().readTree(System.getenv("WEBEX_OAUTH_OIDC_PROVIDER"))
    private val issuer = start["issuer"].asText()
    private val provider = OkHttpClient().newCall(Request.Builder().url(start["metadata"].asText()).build()).execute()
        .use { providerFromMetadata(it.body!!.bytes(), issuer) }

    private fun config(id: String, secret: String?, auth: ClientAuth) =
        configOf(id, secret, "http://127.0.0.1:9/callback", "read", provider) {
            copy(clientAuth = auth, tokenHosts = listOf(issuer.substringAfter("//").substringBefore("/")))
        }

    /** The person at the browser. */
    private fun approve(url: String): String {
        val script = System.getProperty("webex.root") + "/conformance/servers/approve"
        val process = ProcessBuilder("python3", script, url).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        return process.inputStream.bufferedReader().readText().trim().also { assertEquals(0, process.waitFor()) }
    }

    private suspend fun me(client: AuthClient) = client.call(Request.Builder().url("$issuer/api/me").build()).status

    @ParameterizedTest
    @CsvSource("public,,NONE", "basic,test only: 100%/+&=,BASIC_FORM_ENCODED", "post,test-only-post,BODY")
    fun `a code login rotates and revokes`(id: String, secret: String?, auth: ClientAuth) = runBlocking {
        val client = AuthClient.open(config(id, secret, auth))
        client.completeLogin(approve(client.beginLogin()))
        assertEquals(200, me(client))
        val first = client.tokens!!.refreshToken()!!.expose()
        client.refresh()
        assertNotEquals(first, client.tokens!!.refreshToken()!!.expose())
        assertEquals(200, me(client))
        val token = client.token()
        client.signOut()
        client.shutdown()
        val other = AuthClient.open(config(id, secret, auth))
        other.adopt(token.expose())
        assertEquals(401, me(other))
        other.shutdown()
    }

    @Test
    fun `a device login ends`() = runBlocking {
        val client = AuthClient.open(config("device", null, ClientAuth.NONE))
        client.deviceLogin { prompt -> approve(prompt.verificationUriComplete!!.expose()) }
        assertEquals(200, me(client))
        client.shutdown()
    }

    @Test
    fun `a client signs in as itself`() = runBlocking {
        val client = AuthClient.open(config("machine", "test-only-machine", ClientAuth.BASIC_FORM_ENCODED))
        client.signInWithClientCredentials("read")
        assertTrue(client.token().expose().isNotEmpty())
        client.shutdown()
    }
}
