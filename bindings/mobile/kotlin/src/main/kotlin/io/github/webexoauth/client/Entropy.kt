package io.github.webexoauth.client

import io.github.webexoauth.Entropy
import java.security.SecureRandom

/** Bytes from the machine's random generator, for one login or one session. */
internal fun freshEntropy(): Entropy {
    val bytes = ByteArray(64)
    SecureRandom().nextBytes(bytes)
    return Entropy(bytes).also { bytes.fill(0) }
}
