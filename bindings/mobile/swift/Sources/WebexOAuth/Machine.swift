// What the core does not have and the machine has: a clock, a random generator, a lock.

import Foundation
import WebexOAuthCore

extension Date {
    init(millis: Timestamp) {
        self.init(timeIntervalSince1970: Double(millis) / 1000)
    }

    var millis: Timestamp {
        let millis = (timeIntervalSince1970 * 1000).rounded(.down)
        return Timestamp(exactly: millis) ?? (millis < 0 ? .min : .max)
    }
}

extension Duration {
    var millis: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow
            ? (seconds < 0 ? .min : .max) : whole.addingReportingOverflow(attoseconds / 1_000_000_000_000_000).partialValue
    }

    static func millis(_ count: UInt64) -> Duration {
        // More is for ever: a hundred years.
        .milliseconds(Int64(min(count, 3_155_760_000_000)))
    }
}

/// Bytes from the operating system's random generator, for one login or one session.
func freshEntropy() throws -> Entropy {
    var generator = SystemRandomNumberGenerator()
    var bytes = Data(capacity: 64)
    for _ in 0..<8 {
        withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) }
    }
    defer { bytes.resetBytes(in: 0..<bytes.count) }
    return try Entropy(bytes: bytes)
}

/// A value behind a lock that is held for moments.
final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) {
        self.value = value
    }

    func withLock<T>(_ body: (inout Value) throws -> T) rethrows -> T {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}

/// Rings once, unless it is cancelled or let go before. Other than `Task.sleep` it leaves nothing behind until then.
final class Alarm: @unchecked Sendable {
    private static let queue = DispatchQueue(label: "webex-oauth.alarm")

    let at: ContinuousClock.Instant
    private let source = DispatchSource.makeTimerSource(queue: Alarm.queue)

    init(at instant: ContinuousClock.Instant, ring: @escaping @Sendable () -> Void) {
        at = instant
        let wait = max((instant - .now).millis, 0)
        source.schedule(deadline: .now() + .milliseconds(Int(clamping: wait)), leeway: .milliseconds(1))
        source.setEventHandler(handler: ring)
        source.activate()
    }

    func cancel() {
        source.cancel()
    }

    deinit {
        source.cancel()
    }
}
