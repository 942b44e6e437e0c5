package io.github.webexoauth.client

import io.github.webexoauth.CoordinatorEvent
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/** So many events wait for a listener that does not take them; what comes then is lost to it. */
private const val MOST_WAITING = 1024

/** Tells everybody who listens, in order. Nobody who is slow holds up the others, and nobody is told under a lock. */
internal class Events {
    private val told = ArrayDeque<AuthEvent>()
    private var listeners = emptyList<Channel<AuthEvent>>()
    private var isTelling = false
    private var isOver = false

    /** What is told from now on. Has to be left again. */
    fun listen(): Channel<AuthEvent> = synchronized(this) {
        val channel = Channel<AuthEvent>(MOST_WAITING)
        if (isOver) channel.close() else listeners = listeners + channel
        channel
    }

    fun leave(channel: Channel<AuthEvent>) = synchronized(this) { listeners = listeners - channel }

    /** The same for a collector: from when it begins. */
    val flow: Flow<AuthEvent> = flow {
        val channel = listen()
        try {
            for (event in channel) emit(event)
        } finally {
            leave(channel)
        }
    }

    /** For the next [deliver]. */
    fun add(event: AuthEvent) = synchronized(this) { if (!isOver) told.add(event) }

    /** Whoever is at it already goes on with what was added since. */
    fun deliver() {
        while (true) {
            val step = synchronized(this) {
                if (isTelling) return
                val event = told.removeFirstOrNull()
                if (event == null && !isOver) return
                val to = listeners
                if (event == null) listeners = emptyList()
                isTelling = to.isNotEmpty()
                if (event == null && to.isEmpty()) return
                event to to
            }
            val (event, to) = step
            if (event != null) to.forEach { it.trySend(event) } else to.forEach { it.close() }
            synchronized(this) { isTelling = false }
        }
    }

    /** The channels end, when what is in them has been taken. */
    fun end() {
        synchronized(this) { isOver = true }
        deliver()
    }
}

internal fun CoordinatorEvent.told(stores: StoreJobs?): AuthEvent = when (this) {
    is CoordinatorEvent.Session -> AuthEvent.OfSession(name, event)
    is CoordinatorEvent.StoreFailed -> AuthEvent.StoreFailed(fault.asException(stores))
    is CoordinatorEvent.StoreRecovered -> AuthEvent.StoreRecovered
}
