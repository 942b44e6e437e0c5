/// Goes on with the answer that comes first, and ignores the others.
struct FirstAnswer<Value: Sendable>: Sendable {
    private let waiting: Locked<CheckedContinuation<Value, any Error>?>

    init(_ continuation: CheckedContinuation<Value, any Error>) { waiting = Locked(continuation) }

    func give(_ answer: Result<Value, any Error>) {
        let continuation = waiting.withLock { held in
            defer { held = nil }
            return held
        }
        continuation?.resume(with: answer)
    }
}
