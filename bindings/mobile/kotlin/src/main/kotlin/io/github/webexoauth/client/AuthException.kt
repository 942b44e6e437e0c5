package io.github.webexoauth.client

import io.github.webexoauth.CallFailure
import io.github.webexoauth.CallbackIgnored
import io.github.webexoauth.Fault
import io.github.webexoauth.MisuseException
import io.github.webexoauth.RestoreException
import io.github.webexoauth.SendFault
import io.github.webexoauth.SignInReason
import java.io.IOException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Instant

/** What a caller of [AuthClient] has to expect. No text of it carries a secret. */
public sealed class AuthException(message: String) : Exception(message) {
    /** The client is closed. */
    public class Closed : AuthException("the client is closed")

    /** Only the user can help: begin a login. */
    public class SignInRequired(public val reason: SignInReason) : AuthException("the user has to sign in: $reason")

    /** The last attempt failed; the next one is not due before [retryAt]. */
    public class Unavailable(public val fault: Fault, public val retryAt: Instant) : AuthException(fault.summary)

    /** It took longer than the client's patience; it goes on behind the scenes. */
    public class TimedOut(what: String, public val after: Duration) : AuthException("$what did not come within $after")

    /** The call itself was a mistake. */
    public class Misuse(public val problem: MisuseException) : AuthException(problem.toString())

    /** The user or the server declined. */
    public class LoginFailed(public val fault: Fault) : AuthException("the login failed: ${fault.summary}")

    /** Another login was begun meanwhile. */
    public class LoginSuperseded : AuthException("another sign-in took its place")

    /** The login was given up. */
    public class LoginCancelled : AuthException("the login was cancelled")

    /** This URL is not the pending login's, which goes on waiting. */
    public class CallbackNotOurs(public val reason: CallbackIgnored) : AuthException("the callback was ignored: $reason")

    /** The store holds something that this client cannot use. It is left alone. */
    public class Restore(public val problem: RestoreException) : AuthException(problem.toString())

    /** No complete answer of the API came; [fault] says what the server may have seen. */
    public class Call(public val fault: SendFault, problem: String) : AuthException(problem)

    /** The store failed. */
    public class Store(public val problem: StoreException) : AuthException(problem.message.orEmpty())
}

/** A store that failed. */
public class StoreException(public val kind: Kind, message: String) : IOException(message) {
    public enum class Kind { DENIED, FULL, DAMAGED, BUSY, LOCK, IO, FOREIGN }

    internal companion object {
        /** Nothing of a foreign exception but its type: its text may be anything. */
        fun of(error: Throwable): StoreException =
            error as? StoreException ?: StoreException(Kind.FOREIGN, "the store failed (${kindOf(error)})")
    }
}

/** How sending failed. `NOT_SENT` and `UNTRUSTED` only where the server cannot have seen the request. */
public class TransportException(public val fault: SendFault, message: String) : IOException(message)

/** An [AuthException] on its way through OkHttp, which knows only this kind. */
public class AuthIOException(override val cause: AuthException) : IOException(cause.message, cause)

/** All that is told of a foreign exception: its text, and its causes', may be anything. */
internal fun kindOf(error: Throwable): String = error.javaClass.simpleName.ifEmpty { "a class without a name" }

/** Why a call failed; [what] it waited for. */
internal fun CallFailure.asException(what: String, stores: StoreJobs?): AuthException = when (this) {
    is CallFailure.SignInRequired -> AuthException.SignInRequired(reason)
    is CallFailure.Unavailable -> AuthException.Unavailable(fault, Instant.fromEpochMilliseconds(retryAt))
    is CallFailure.LoginFailed -> AuthException.LoginFailed(fault)
    is CallFailure.CallbackIgnored -> AuthException.CallbackNotOurs(reason)
    is CallFailure.LoginCancelled -> AuthException.LoginCancelled()
    is CallFailure.LoginSuperseded -> AuthException.LoginSuperseded()
    is CallFailure.Timeout -> AuthException.TimedOut(what, limitMs.toLong().milliseconds)
    is CallFailure.Store -> AuthException.Store(fault.asException(stores))
    is CallFailure.ScopeUnknown ->
        AuthException.Misuse(MisuseException.InvalidArgument("scope", "what was granted is not known, so it has to be named"))
    is CallFailure.Misuse -> AuthException.Misuse(mistake)
    is CallFailure.Closed, is CallFailure.Interrupted -> AuthException.Closed()
}
