package io.github.webexoauth.client

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import java.lang.ref.WeakReference

/** Wakes a coordinator when its time has come, until [sooner] is closed or nobody holds the executor any longer. */
internal fun startTimer(executor: Executor, sooner: Channel<Unit>) {
    val held = WeakReference(executor)
    CoroutineScope(Dispatchers.Default).launch { keepTime(held, sooner) }
}

private suspend fun keepTime(executor: WeakReference<Executor>, sooner: Channel<Unit>) {
    while (true) {
        val pause = executor.get()?.pause() ?: return
        val asked = withTimeoutOrNull(pause) { sooner.receiveCatching() }
        when {
            asked == null -> executor.get()?.wake() ?: return
            asked.isClosed -> return
        }
    }
}
