package io.github.webexoauth.client

import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/** Tells everybody who listens, in order. Nobody who is slow holds up the others. */
internal class Hub<T : Any> {
    private val listeners = ArrayList<Channel<T>>()
    private var isOver = false

    /** What is told from now on. Has to be left again. */
    fun listen(): Channel<T> = synchronized(this) {
        val channel = Channel<T>(Channel.UNLIMITED)
        if (isOver) channel.close() else listeners.add(channel)
        channel
    }

    fun leave(channel: Channel<T>) {
        synchronized(this) { listeners.remove(channel) }
    }

    /** The same for a collector: from when it begins. */
    val flow: Flow<T> = flow {
        val channel = listen()
        try {
            for (item in channel) emit(item)
        } finally {
            leave(channel)
        }
    }

    fun tell(item: T) = synchronized(this) { listeners.forEach { it.trySend(item) } }

    fun end() = synchronized(this) {
        isOver = true
        listeners.forEach { it.close() }
        listeners.clear()
    }
}
