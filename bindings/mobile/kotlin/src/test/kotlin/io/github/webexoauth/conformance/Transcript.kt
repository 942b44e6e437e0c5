package io.github.webexoauth.conformance

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.node.IntNode
import io.github.webexoauth.Config
import io.github.webexoauth.ConfigException
import io.github.webexoauth.Effect
import io.github.webexoauth.MisuseException
import io.github.webexoauth.RestoreException
import io.github.webexoauth.Secret
import io.github.webexoauth.Session

// The vectors that drive sessions: steps in their order, and what every step led to.

fun transcript(test: JsonNode, group: JsonNode?): Any {
    val config = groupConfig(group)
    val stage = Stage(config, Session(config, seed(test["seed"] ?: IntNode(0))))
    return mapOf("steps" to need(test, "steps", list { it }).map(stage::step))
}

fun groupConfig(value: JsonNode?): Config = try {
    config(value ?: throw Problem("the group has no config"))
} catch (error: ConfigException) {
    throw Problem("the group's config: $error")
}

/** The sessions of one test, and what each of them stored. */
private class Stage(private val config: Config, first: Session) {
    private val sessions = mutableMapOf("a" to first)
    private val stored = HashMap<String, MutableList<Effect.Persist>>()

    fun step(step: JsonNode): Any {
        val now = need(step, "at", ::time)
        val name = may(step, "session", ::text) ?: "a"
        val result = LinkedHashMap<String, Any?>()
        step["new"]?.let { sessions[name] = Session(config, need(it, "seed", ::seed)) }
        step["restore"]?.let {
            val snapshot = need(it, "snapshot", ::snapshot)
            try {
                sessions[name] = Session.restore(config, snapshot)
            } catch (error: RestoreException) {
                result["error"] = json(error)
            }
        }
        step["input"]?.let {
            val input = input(it, ::snapshot)
            try {
                val effects = session(name).handle(now, input).tasks.map { task -> task.effect() }
                stored.getOrPut(name, ::ArrayList).addAll(effects.filterIsInstance<Effect.Persist>())
                result["effects"] = json(effects)
            } catch (error: MisuseException) {
                result["error"] = json(error)
            }
        }
        result += queries(session(name), now)
        step["ask"]?.let { result["answers"] = answers(session(name), now, it) }
        return result
    }

    private fun session(name: String) = sessions[name] ?: throw Problem("there is no session $name")

    /** A snapshot as text, or what a session of this test stored: the last one, or the one of a revision. */
    private fun snapshot(value: JsonNode): Secret {
        val of = value["of"]?.let(::text) ?: return secret(value)
        val revision = may(value, "revision", ::natural)
        return stored[of]?.lastOrNull { revision == null || it.revision == revision }?.snapshot
            ?: throw Problem("$of did not store that")
    }
}

/** The questions that every session answers. */
fun queries(session: Session, now: Long): Map<String, Any?> = some(
    "phase" to session.phase(),
    "access" to session.access(now),
    "status" to session.status(now),
    "wake_at" to session.wakeAt(),
    "revision" to session.revision(),
    "tokens" to session.tokens(),
    "user_scope" to session.userScope(),
    "user_tokens" to session.userTokens(),
    "snapshot" to session.snapshot(),
)

/** Questions with an argument. */
private fun answers(session: Session, now: Long, asked: JsonNode): Map<String, Any?> = some(
    "access_for" to may(asked, "access_for", ::text)?.let { session.accessFor(now, it) },
    "awaits" to may(asked, "awaits", ::natural)?.let(session::awaits),
    "logout_url" to asked["logout_url"]?.let { session.logoutUrl(may(it, "goto", ::text)) },
)
