package io.github.webexoauth.junit

import org.junit.jupiter.api.extension.BeforeEachCallback
import org.junit.jupiter.api.extension.ExtensionContext
import org.junit.jupiter.api.extension.ExtensionContext.Namespace
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource
import org.junit.jupiter.api.extension.ParameterContext
import org.junit.jupiter.api.extension.ParameterResolver

/**
 * For JUnit 5: `@ExtendWith(SimulatorExtension::class)`, and a test that has a parameter of type [Simulator] gets one.
 *
 * The program is started once for the whole run; each test finds it as after its start. Tests that run beside each other have
 * one [Simulator] each instead: `Simulator().use { ... }`.
 */
public class SimulatorExtension :
    ParameterResolver,
    BeforeEachCallback {
    override fun supportsParameter(parameter: ParameterContext, context: ExtensionContext): Boolean =
        parameter.parameter.type == Simulator::class.java

    override fun resolveParameter(parameter: ParameterContext, context: ExtensionContext): Any = simulator(context)

    override fun beforeEach(context: ExtensionContext) {
        simulator(context).reset()
    }

    private fun simulator(context: ExtensionContext): Simulator = context.root.getStore(Namespace.create(javaClass))
        .getOrComputeIfAbsent(Running::class.java, { Running(Simulator()) }, Running::class.java).simulator

    /** JUnit closes it at the end of the run. */
    private class Running(val simulator: Simulator) : CloseableResource {
        override fun close() = simulator.close()
    }
}
