package io.github.webexoauth.client

import io.github.webexoauth.CoordinatorCall
import io.github.webexoauth.CoordinatorReply
import io.github.webexoauth.Credential
import io.github.webexoauth.DevicePrompt
import io.github.webexoauth.LoginOptions
import io.github.webexoauth.MisuseException
import io.github.webexoauth.Secret

private const val LOGIN = "the login"

/** A login in the browser that ended well. */
public class SignedIn(
    /** The callback URL without code, token and CSRF value. */
    public val cleanedUrl: String?,
    /** The JSON object that was given as state when the login began. */
    public val state: String?,
) {
    /** What the application gave as state is its own business. */
    override fun toString(): String = "SignedIn(cleanedUrl=$cleanedUrl, state=${if (state == null) "null" else "redacted"})"
}

/** A device login that waits for the user. It is the client's, and goes on when this object ends. */
public class DeviceLogin internal constructor(
    private val executor: Executor,
    private val waiting: Waiting,
    /** What to show to the user. */
    public val prompt: DevicePrompt,
) {
    /** Waits until the user has decided, or the code has ended. */
    public suspend fun wait() {
        waiting.reply()
    }

    /** Gives up: [wait] ends with [AuthException.LoginCancelled]. */
    public suspend fun cancel() {
        executor.call("the end of the login", CoordinatorCall.CancelLogin(waiting.ticket, null))
    }

    /** The address without the code, which whoever reads along could confirm. */
    override fun toString(): String = "DeviceLogin(${prompt.verificationUri})"
}

internal suspend fun Executor.beginLogin(options: LoginOptions): String =
    when (val reply = signIn(Credential.Browser(options, freshEntropy()))) {
        is CoordinatorReply.Url -> reply.url.expose()
        else -> throw AuthException.Misuse(MisuseException.NotConfigured("authorization_endpoint", "beginLogin"))
    }

internal suspend fun Executor.completeLogin(callback: String): SignedIn =
    when (val reply = call(LOGIN, CoordinatorCall.CompleteLogin(Secret(callback), null))) {
        is CoordinatorReply.SignedIn -> SignedIn(reply.cleanedUrl, reply.state)
        else -> SignedIn(null, null)
    }

internal suspend fun Executor.cancelLogin(of: String?) {
    call("the end of the login", CoordinatorCall.CancelLogin(null, of?.let(::Secret)))
}

internal suspend fun Executor.beginDeviceLogin(scope: String?): DeviceLogin {
    val waiting = begin(LOGIN, CoordinatorCall.SignIn(Credential.Device(scope), null))
    var prompt: DevicePrompt? = null
    try {
        prompt = waiting.shown.await()
        if (prompt == null) waiting.reply()
    } finally {
        if (prompt == null) giveUp(waiting)
    }
    return DeviceLogin(this, waiting, prompt ?: throw AuthException.LoginSuperseded())
}

internal suspend fun Executor.signIn(credential: Credential): CoordinatorReply =
    call(LOGIN, CoordinatorCall.SignIn(credential, null))
