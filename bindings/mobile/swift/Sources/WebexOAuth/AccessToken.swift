import Foundation
import WebexOAuthCore

/// An access token. Printing it, in whatever way, shows nothing of it.
///
/// Its text lives in Swift: to read it costs no call into the library.
public struct AccessToken: Sendable {
    private let text: Text
    /// Counts the tokens of a session.
    public let generation: UInt64
    /// When the server will refuse it, if known.
    public let expiresAt: Date?

    private final class Text: Sendable {
        let bare: String
        let header: String

        init(_ token: WebexOAuthCore.AccessToken) {
            bare = token.expose()
            header = token.exposeHeader()
        }
    }

    init(_ token: WebexOAuthCore.AccessToken, generation: UInt64, expiresAt: Timestamp?) {
        text = Text(token)
        self.generation = generation
        self.expiresAt = expiresAt.map(Date.init(millis:))
    }

    /// The bare token. Call it where the token leaves for its destination, nowhere else.
    public func expose() -> String { text.bare }

    /// The whole value of the `Authorization` header.
    public func exposeHeader() -> String { text.header }
}

extension AccessToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "AccessToken(redacted, generation \(generation))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:], displayStyle: .struct) }
}

/// The token that was published, so that nobody has to ask for it while the wall clock reads between its lines.
struct FreshCell: Sendable {
    private struct Entry {
        let token: AccessToken
        let from: Timestamp
        let until: Timestamp
    }

    private let entry = Locked<Entry?>(nil)

    func token(at now: Timestamp) -> AccessToken? {
        entry.withLock { entry in
            guard let entry, entry.from <= now, now < entry.until else { return nil }
            return entry.token
        }
    }

    func publish(_ published: PublishedToken?) {
        let next = published.map { published in
            let token = AccessToken(published.token, generation: published.generation, expiresAt: published.expiresAt)
            return Entry(token: token, from: published.from, until: published.until ?? .max)
        }
        entry.withLock { $0 = next }
    }
}
