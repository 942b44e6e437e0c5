package io.github.webexoauth.conformance

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.node.NullNode
import io.github.webexoauth.CallFailure
import io.github.webexoauth.Clocks
import io.github.webexoauth.Config
import io.github.webexoauth.Coordinator
import io.github.webexoauth.CoordinatorCall
import io.github.webexoauth.CoordinatorEvent
import io.github.webexoauth.CoordinatorOptions
import io.github.webexoauth.CoordinatorOutput
import io.github.webexoauth.CoordinatorReply
import io.github.webexoauth.Credential
import io.github.webexoauth.IntentTimes
import io.github.webexoauth.JobOp
import io.github.webexoauth.JobResult
import io.github.webexoauth.NextStep
import io.github.webexoauth.OpenException
import io.github.webexoauth.PublishedToken
import io.github.webexoauth.RefusedException
import io.github.webexoauth.Secret
import io.github.webexoauth.SendFault
import io.github.webexoauth.Spent
import io.github.webexoauth.StoreFault
import io.github.webexoauth.TokenOf

// The vectors that drive coordinators: steps in their order, and what every step had its driver do.

fun coordinated(test: JsonNode, group: JsonNode?): Any {
    val stage = Coordinators(groupConfig(group))
    return mapOf("steps" to need(test, "steps", list { it }).map(stage::step))
}

/** The coordinators of one test, what each of them asked to save, and what it published last. */
private class Coordinators(private val config: Config) {
    private val driven = HashMap<String, Coordinator>()
    private val saved = HashMap<String, MutableList<JobOp.Save>>()
    private val published = HashMap<String, PublishedToken?>()

    fun step(step: JsonNode): Any {
        val at = need(step, "at") { Clocks(need(it, "wall", ::time), need(it, "mono", ::natural)) }
        val name = may(step, "coordinator", ::text) ?: "a"
        val result = LinkedHashMap<String, Any?>()
        step["open"]?.let {
            try {
                driven[name] = open(it)
                published[name] = null
            } catch (error: OpenException.Stored) {
                return mapOf("error" to json(error.why))
            }
        }
        val coordinator = driven[name] ?: throw Problem("there is no coordinator $name")
        val outputs = try {
            act(coordinator, at, step)
        } catch (error: RefusedException) {
            result["error"] = refused(error)
            coordinator.drain()
        }
        for (output in outputs) {
            if (output is CoordinatorOutput.Publish) published[name] = output.fresh
            val op = (output as? CoordinatorOutput.Do)?.op
            if (op is JobOp.Save) saved.getOrPut(name, ::ArrayList).add(op)
        }
        result["outputs"] = outputs.map(::shown)
        result += some(
            "published" to published[name],
            "store_fault" to coordinator.storeFault(),
            "status" to coordinator.status(at.wall),
            "tokens" to coordinator.tokens(),
            "revision" to coordinator.revision(),
        )
        result["wake_at"] = coordinator.wakeAt().let { some("wall" to it.wall, "mono" to it.mono) }
        return result
    }

    private fun act(coordinator: Coordinator, at: Clocks, step: JsonNode): List<CoordinatorOutput> {
        step["call"]?.let {
            return coordinator.call(at, need(it, "ticket", ::natural), need(it, "call", ::coordinatorCall))
        }
        step["done"]?.let {
            return coordinator.done(at, need(it, "job", ::natural), need(it, "result", ::jobResult))
        }
        step["give_up"]?.let { coordinator.giveUp(natural(it)) }
        step["restarted"]?.let { return coordinator.restarted(at, need(it, "seed", ::entropy)) }
        return if (step.has("wake")) coordinator.wake(at) else coordinator.drain()
    }

    private fun open(given: JsonNode): Coordinator {
        val store = given["store"]
        val options = CoordinatorOptions(
            hasStore = store != null, lockDomain = store?.let { may(it, "lock_domain", ::text) },
            rotates = may(given, "rotates", ::flag), patienceMs = may(given, "patience", ::natural),
            hostLimitMs = may(given, "host_limit", ::natural), farewellMs = may(given, "farewell", ::natural),
            times = may(given, "times") { times ->
                fun span(name: String) = need(times, name, ::natural)
                IntentTimes(span("request"), span("margin"), span("poll_gap"), span("resave"))
            },
        )
        return Coordinator.open(config, may(given, "stored", ::snapshot), need(given, "seed", ::seed), options)
    }

    /** A snapshot as text, or what a coordinator of this test asked to save: the last one, or the one of a revision. */
    private fun snapshot(value: JsonNode): Secret {
        val of = value["of"]?.let(::text) ?: return secret(value)
        val revision = may(value, "revision", ::natural)
        return saved[of]?.lastOrNull { revision == null || it.revision == revision }?.snapshot
            ?: throw Problem("$of did not save that")
    }

    private fun jobResult(value: JsonNode): JobResult {
        val (name, given) = variant(value)
        fun found() = given.takeUnless { it.isNull }?.let(::snapshot)
        return when (name) {
            "loaded" -> JobResult.Loaded(found())
            "saved" -> JobResult.Saved
            "conflict" -> JobResult.Conflict(found())
            "store_failed" ->
                JobResult.StoreFailed(StoreFault(need(given, "kind", word()), need(given, "problem", ::text)))
            "locked" -> JobResult.Locked
            "lock_busy" -> JobResult.LockBusy
            "unlocked" -> JobResult.Unlocked
            "response" -> JobResult.Response(response(given))
            "send_failed" -> JobResult.SendFailed(word<SendFault>()(given))
            "answer" -> JobResult.Answer(secret(given))
            "host_failed" -> JobResult.HostFailed(text(given))
            else -> throw Problem("unknown result $name")
        }
    }
}

private fun coordinatorCall(value: JsonNode): CoordinatorCall {
    val (name, fields) = variant(value)
    val within = may(fields, "within", ::natural)
    return when (name) {
        "token" -> CoordinatorCall.Token(need(fields, "of", ::tokenOf), within)
        "refresh" -> CoordinatorCall.Refresh(within)
        "answered" -> CoordinatorCall.Answered(
            need(fields, "generation", ::natural), need(fields, "status", ::status),
            may(fields, "retry_after", ::text), spent(fields["spent"] ?: NullNode.instance),
        )
        "sign_in" -> CoordinatorCall.SignIn(need(fields, "credential", ::credential), within)
        "complete_login" -> CoordinatorCall.CompleteLogin(need(fields, "callback", ::secret), within)
        "await_login" -> CoordinatorCall.AwaitLogin(need(fields, "of", ::secret), within)
        "cancel_login" -> CoordinatorCall.CancelLogin(may(fields, "of", ::natural), may(fields, "login", ::secret))
        "sign_out" -> CoordinatorCall.SignOut(
            may(fields, "options", ::signOutOptions) ?: signOutOptions(NullNode.instance),
        )
        "look" -> CoordinatorCall.Look
        "flush" -> CoordinatorCall.Flush(within)
        "close" -> CoordinatorCall.Close(within)
        else -> throw Problem("unknown call $name")
    }
}

private fun tokenOf(value: JsonNode): TokenOf = variant(value).let { (name, given) ->
    when (name) {
        "session" -> TokenOf.Session
        "user" -> TokenOf.User(text(given))
        "user_default" -> TokenOf.UserDefault
        else -> throw Problem("unknown token $name")
    }
}

private fun spent(value: JsonNode) = Spent(
    replays = may(value, "replays", ::natural)?.toUInt() ?: 0u, waitedMs = may(value, "waited", ::natural) ?: 0uL,
    limitMs = may(value, "limit", ::natural) ?: 0uL,
)

private fun credential(value: JsonNode): Credential {
    val (name, fields) = variant(value)
    fun secretOf(name: String) = need(fields, name, ::secret)
    return when (name) {
        "browser" -> Credential.Browser(
            may(fields, "options", ::loginOptions) ?: loginOptions(NullNode.instance), need(fields, "entropy", ::entropy),
        )
        "code" -> Credential.Code(secretOf("code"), may(fields, "verifier", ::secret))
        "device" -> Credential.Device(may(fields, "scope", ::text))
        "jwt" -> Credential.Jwt(secretOf("jwt"))
        "guest" -> Credential.Guest(
            secretOf("service_token"), need(fields, "subject", ::text), need(fields, "display_name", ::text),
        )
        "client" -> Credential.Client(may(fields, "scope", ::text))
        "tokens" -> Credential.Tokens(secretOf("tokens"))
        else -> throw Problem("unknown credential $name")
    }
}

private fun refused(error: RefusedException): Any = when (error) {
    is RefusedException.TicketInUse -> "ticket_in_use"
    is RefusedException.Misuse -> mapOf("misuse" to json(error.mistake))
}

/** The rest is regular; these have one unnamed value in the core. */
private fun shown(output: CoordinatorOutput): Any? = when (output) {
    is CoordinatorOutput.Do, is CoordinatorOutput.Stop, is CoordinatorOutput.Publish -> json(output)
    is CoordinatorOutput.Resolve ->
        mapOf("resolve" to mapOf("ticket" to json(output.ticket), "reply" to reply(output.reply)))
    is CoordinatorOutput.Show -> mapOf(
        "show" to mapOf("ticket" to json(output.ticket), "what" to mapOf("device_code" to json(output.prompt))),
    )
    is CoordinatorOutput.Tell -> mapOf("tell" to mapOf("event" to told(output.event)))
}

private fun reply(reply: CoordinatorReply): Any? = when (reply) {
    is CoordinatorReply.Api -> mapOf("api" to next(reply.next))
    is CoordinatorReply.Url -> mapOf("url" to json(reply.url))
    is CoordinatorReply.Failed -> mapOf("failed" to failure(reply.failure))
    is CoordinatorReply.Token, is CoordinatorReply.SignedIn, CoordinatorReply.Done -> json(reply)
}

private fun next(next: NextStep): Any? = when (next) {
    is NextStep.Return ->
        mapOf("return" to next.why.let { why -> if (why == null) emptyMap() else mapOf("why" to failure(why)) })
    is NextStep.Again -> json(next)
}

private fun failure(failure: CallFailure): Any? = when (failure) {
    is CallFailure.Store -> mapOf("store" to json(failure.fault))
    is CallFailure.Misuse -> mapOf("misuse" to json(failure.mistake))
    else -> json(failure)
}

private fun told(event: CoordinatorEvent): Any? = when (event) {
    is CoordinatorEvent.Session -> mapOf("session" to json(event.event))
    is CoordinatorEvent.StoreFailed -> mapOf("store_failed" to json(event.fault))
    CoordinatorEvent.StoreRecovered -> json(event)
}
