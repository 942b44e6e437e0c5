import Foundation
import WebexOAuthCore

/// What a client has to say while it runs. Free of secrets.
public enum AuthEvent: Sendable {
    /// What the session says, with the name under which the Webex world knows it: `ready`, `token:refresh`, ...
    case session(name: String, Event)
    /// The store does not do what it should. The session goes on in memory and tries again.
    case storeFailed(StoreError)
    /// The store works again: what could not be saved is saved now.
    case storeRecovered

    /// The session's own name for it, `store:error` or `store:ready`.
    public var name: String {
        switch self {
        case .session(let name, _): name
        case .storeFailed: "store:error"
        case .storeRecovered: "store:ready"
        }
    }
}

extension AuthEvent {
    init(_ event: CoordinatorEvent, _ stores: StoreJobs?) {
        switch event {
        case .session(let name, let event): self = .session(name: name, event)
        case .storeFailed(let fault): self = .storeFailed(StoreError(fault, stores))
        case .storeRecovered: self = .storeRecovered
        }
    }
}

/// Hands what is told to whoever listens, in order and under no lock. A listener that does not keep up loses the oldest.
final class Events: Sendable {
    private struct Listener: Sendable {
        let tell: @Sendable (AuthEvent) -> Void
        let finish: @Sendable () -> Void
    }

    private struct State {
        var next: UInt64 = 0
        var listeners: [UInt64: Listener] = [:]
        var told: [AuthEvent] = []
        var isTelling = false
        var isOver = false
    }

    private let state = Locked(State())

    func stream() -> AsyncStream<AuthEvent> {
        stream { $0 }
    }

    /// Of each event what `map` makes of it.
    func stream<Element: Sendable>(_ map: @escaping @Sendable (AuthEvent) -> Element?) -> AsyncStream<Element> {
        let (stream, continuation) = AsyncStream.makeStream(of: Element.self, bufferingPolicy: .bufferingNewest(512))
        let listener = Listener(
            tell: { event in
                if let element = map(event) { continuation.yield(element) }
            }, finish: { continuation.finish() })
        let number = state.withLock { state -> UInt64? in
            guard !state.isOver else { return nil }
            state.next += 1
            state.listeners[state.next] = listener
            return state.next
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) }
        }
        return stream
    }

    /// For the next ``deliver()``.
    func add(_ event: AuthEvent) {
        state.withLock { state in
            if !state.isOver { state.told.append(event) }
        }
    }

    /// Whoever is at it already goes on with what was added since.
    func deliver() {
        while let (event, listeners) = next() {
            for listener in listeners {
                if let event { listener.tell(event) } else { listener.finish() }
            }
            state.withLock { $0.isTelling = false }
        }
    }

    /// The next event and whom it is for; no event is the end.
    private func next() -> (AuthEvent?, [Listener])? {
        state.withLock { state in
            if state.isTelling { return nil }
            let event = state.told.isEmpty ? nil : state.told.removeFirst()
            if event == nil, !state.isOver || state.listeners.isEmpty { return nil }
            let listeners = Array(state.listeners.values)
            if event == nil { state.listeners = [:] }
            state.isTelling = true
            return (event, listeners)
        }
    }

    /// The streams end, when what is in them has been taken.
    func finish() {
        state.withLock { $0.isOver = true }
        deliver()
    }

    deinit {
        finish()
    }
}
