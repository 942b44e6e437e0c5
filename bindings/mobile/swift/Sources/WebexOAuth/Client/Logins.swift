import WebexOAuthCore

/// What a caller signs in with: the same again joins the login that is under way.
enum SignIn {
    /// Through a browser, which has come back: which login it is.
    case browser(String?)
    case device
    case code(Secret)
    case jwt(Secret)
    case guest(Secret, subject: String)
    case clientCredentials(Scope?)
    case adopt(Secret)

    /// Two logins in a browser or on a device are never the same.
    func isSame(as other: SignIn) -> Bool {
        switch (self, other) {
        case (.code(let a), .code(let b)), (.jwt(let a), .jwt(let b)), (.adopt(let a), .adopt(let b)):
            a.expose() == b.expose()
        case (.guest(let a, let one), .guest(let b, let two)): one == two && a.expose() == b.expose()
        case (.clientCredentials(let a), .clientCredentials(let b)): a == b
        default: false
        }
    }
}

/// Keeps account of logins, so that nobody gets the result of somebody else's. The model is
/// adapters/driver/src/logins.rs.
struct Logins {
    /// A login that somebody waits for.
    typealias Ticket = UInt64

    /// So many results are kept for those who have not come for them yet.
    private static let kept = 32

    private var last: Ticket = 0
    private var pending: (ticket: Ticket, by: SignIn)?
    private var results: [(ticket: Ticket, result: Result<Void, AuthError>)] = []

    /// A login begins; one that is under way is superseded, unless it is the same one.
    mutating func begin(_ by: SignIn) -> Ticket {
        if let pending, pending.by.isSame(as: by) { return pending.ticket }
        end(.failure(.loginSuperseded))
        last += 1
        pending = (last, by)
        return last
    }

    /// The browser came back: its login is under way now, and supersedes one that is.
    mutating func cameBack(_ id: String?) -> Ticket {
        begin(.browser(id))
    }

    /// The login that is under way.
    var current: Ticket? { pending?.ticket }

    /// Which login in a browser is under way.
    private var browser: String? {
        if case .browser(let id)? = pending?.by { return id }
        return nil
    }

    /// This login in a browser, if it is under way.
    func underWay(_ id: String?) -> Ticket? {
        id != nil && browser == id ? current : nil
    }

    /// Takes note of what the session says. `signingIn`: a login is still under way.
    mutating func note(_ event: Event, signingIn: Bool) {
        switch event {
        // Somebody else's sign-in leaves our login alone.
        case .signedIn(_, _, _, let login, _, _) where !signingIn || underWay(login) != nil: end(.success(()))
        // Others that wait for their browser are nobody's here.
        case .loginFailed(_, let fault, let login, _, _) where browser == login: end(.failure(.loginFailed(fault)))
        case .signedOut where !signingIn: cancel()
        default: break
        }
    }

    /// The login is over without a result.
    mutating func cancel() {
        end(.failure(.loginCancelled))
    }

    /// How the login ended, if it has.
    func result(_ ticket: Ticket) -> Result<Void, AuthError>? {
        results.first { $0.ticket == ticket }?.result
    }

    private mutating func end(_ result: Result<Void, AuthError>) {
        guard let ended = pending else { return }
        pending = nil
        if results.count >= Self.kept { results.removeFirst() }
        results.append((ended.ticket, result))
    }
}
