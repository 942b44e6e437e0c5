package io.github.webexoauth.client

import io.github.webexoauth.Event

/** What a client has to tell. */
public sealed class AuthEvent {
    /** The session says; [name] is the event's in the Webex world. */
    public data class OfSession(val name: String, val event: Event) : AuthEvent()

    /** The session goes on without its store, which is tried again. */
    public data class StoreFailed(val problem: StoreException) : AuthEvent()

    public object StoreRecovered : AuthEvent() {
        override fun toString(): String = "StoreRecovered"
    }
}
