package io.github.webexoauth.client

import io.github.webexoauth.MisuseException
import java.nio.ByteBuffer
import java.nio.CharBuffer
import java.nio.charset.CharacterCodingException

/** Every text on its way into the library comes through here: the generated bindings call it. */
internal fun utf8(text: String): ByteBuffer = try {
    Charsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text))
} catch (_: CharacterCodingException) {
    throw AuthException.Misuse(MisuseException.InvalidArgument("text", "half of a surrogate pair is no text"))
}
