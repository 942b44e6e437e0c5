package io.github.webexoauth.client

import io.github.webexoauth.JobOp
import io.github.webexoauth.JobResult
import io.github.webexoauth.Secret
import io.github.webexoauth.SendFault
import io.github.webexoauth.StoreFault
import io.github.webexoauth.StoreFaultKind
import io.github.webexoauth.monotonicMs
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.util.concurrent.atomic.AtomicInteger
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext

/** A coordinator asks for a few things at a time; the others are those that hang. */
private const val MOST = 32

/** The coordinator gives up by itself before that, and takes in what comes in between: a process may have been stopped. */
private const val A_LITTLE_MORE = 3000L

/** A hundred years: longer ones are overflows. */
internal const val LONGEST = 3_155_760_000_000L

/**
 * Does a coordinator's jobs, each within a limit of its own. Stores, transports and callbacks are the host's: they may block,
 * hang, and throw whatever there is. Of a foreign exception nothing is told but its type.
 */
internal class Jobs(
    val stores: StoreJobs?,
    private val transport: HttpTransport,
    private val options: ClientOptions,
    private val requestTimeout: Long,
) {
    // Threads of their own: who blocks one of them keeps nobody else waiting. As many more are for those who report at once.
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.IO.limitedParallelism(2 * MOST))
    private val open = AtomicInteger()

    /** Begins one. What [report] gets late, or after a cancellation, is of no interest to anybody and does no harm. */
    fun begin(op: JobOp, report: (JobResult) -> Unit): Job = scope.launch {
        val mayRun = open.incrementAndGet() <= MOST
        val result = try {
            if (mayRun) {
                withTimeoutOrNull(limit(op)) { run(op) } ?: op.failed(SendFault.LOST, "it took too long")
            } else {
                op.failed(SendFault.NOT_SENT, "what was begun before hangs")
            }
        } catch (error: Throwable) {
            op.failed(SendFault.LOST, "it failed (${kindOf(error)})")
        } finally {
            open.decrementAndGet()
        }
        report(result)
    }

    private fun limit(op: JobOp): Long = when (op) {
        is JobOp.Send -> op.withinMs.toLong()
        is JobOp.AskForToken -> op.withinMs.toLong()
        is JobOp.AskForJwt -> op.withinMs.toLong()
        is JobOp.Load, is JobOp.Save, is JobOp.TryLock, is JobOp.Unlock -> requestTimeout
    }.coerceIn(1, LONGEST) + A_LITTLE_MORE

    private suspend fun run(op: JobOp): JobResult = when (op) {
        is JobOp.Send -> send(op)
        is JobOp.AskForToken -> answer { options.askForToken?.invoke(op.ask) }
        is JobOp.AskForJwt -> answer { options.askForJwt?.invoke() }
        is JobOp.Load -> {
            // What is loaded may have to be renewed, and from the save that comes before the request its time is short.
            transport.prepare()
            stores?.run(op) ?: op.failed(SendFault.NOT_SENT, "no store")
        }
        is JobOp.Save, is JobOp.TryLock, is JobOp.Unlock ->
            stores?.run(op) ?: op.failed(SendFault.NOT_SENT, "no store")
    }

    private suspend fun send(op: JobOp.Send): JobResult = try {
        val notAfter = NotAfter(op.notAfter?.toLong() ?: Long.MAX_VALUE)
        notAfter.check()
        JobResult.Response(withContext(notAfter) { transport.send(op.request) })
    } catch (error: TransportException) {
        JobResult.SendFailed(error.fault)
    }

    private suspend fun answer(ask: suspend () -> Secret?): JobResult =
        ask()?.let { JobResult.Answer(it) } ?: JobResult.HostFailed("no callback is set")
}

/** The report of a job that came to nothing by nobody's answer. */
private fun JobOp.failed(fault: SendFault, problem: String): JobResult = when (this) {
    is JobOp.Send -> JobResult.SendFailed(fault)
    is JobOp.AskForToken, is JobOp.AskForJwt -> JobResult.HostFailed(problem)
    is JobOp.Load, is JobOp.Save, is JobOp.TryLock, is JobOp.Unlock ->
        JobResult.StoreFailed(StoreFault(StoreFaultKind.OTHER, problem))
}

/** Until when the first byte of a request may be written, by the monotonic clock. It goes along with the coroutine that sends. */
internal class NotAfter(private val mono: Long) : AbstractCoroutineContextElement(NotAfter) {
    companion object Key : CoroutineContext.Key<NotAfter>

    fun check() {
        if (mono < monotonicMs().toLong()) throw TransportException(SendFault.NOT_SENT, "its time has passed")
    }
}
