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

/// Hands what is told to whoever listens, in order. A listener that does not keep up loses the oldest.
final class Hub<Element: Sendable>: Sendable {
    private struct Listeners {
        var next: UInt64 = 0
        var all: [UInt64: AsyncStream<Element>.Continuation] = [:]
        var finished = false
    }

    private let listeners = Locked(Listeners())

    func stream() -> AsyncStream<Element> {
        let (stream, continuation) = AsyncStream.makeStream(of: Element.self, bufferingPolicy: .bufferingNewest(512))
        let number: UInt64? = listeners.withLock { listeners in
            guard !listeners.finished else { return nil }
            listeners.next += 1
            listeners.all[listeners.next] = continuation
            return listeners.next
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.listeners.withLock { _ = $0.all.removeValue(forKey: number) }
        }
        return stream
    }

    func tell(_ element: Element) {
        for continuation in listeners.withLock({ Array($0.all.values) }) {
            continuation.yield(element)
        }
    }

    func finish() {
        let all = listeners.withLock { listeners in
            defer { listeners.all = [:] }
            listeners.finished = true
            return Array(listeners.all.values)
        }
        for continuation in all {
            continuation.finish()
        }
    }

    deinit {
        finish()
    }
}
