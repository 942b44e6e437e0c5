package io.github.webexoauth.client

import io.github.webexoauth.Event

/** What a client has to tell. */
sealed class AuthEvent {
    /** The session says; [name] is the event's in the Webex world. */
    data class OfSession(val name: String, val event: Event) : AuthEvent()

    /** The session goes on without its store, which is tried again. */
    data class StoreFailed(val problem: StoreException) : AuthEvent()

    object StoreRecovered : AuthEvent() {
        override fun toString(): String = "StoreRecovered"
    }
}
