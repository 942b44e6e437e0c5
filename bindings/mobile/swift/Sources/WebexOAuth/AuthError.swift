import Foundation
import WebexOAuthCore

/// Why a call of an ``AuthClient`` failed. Free of secrets. A task that is cancelled gets Swift's own
/// `CancellationError`.
public enum AuthError: Error, Sendable {
    /// Only the user can help: sign in. The mobile SDKs' `onReLoginRequired`.
    case signInRequired(SignInReason)
    /// No token can be had now. The client tries again by itself; asking before `retryAt` gives the same answer.
    case unavailable(Fault, retryAt: Date)
    /// The login came to its end without tokens. What was there before goes on.
    case loginFailed(Fault)
    /// The callback does not belong to the pending login, which still waits.
    case callbackIgnored(CallbackIgnored)
    /// The login was cancelled, or made pointless by a sign-out.
    case loginCancelled
    /// Another login was begun, and its result is what counts.
    case loginSuperseded
    /// It took longer than the client's patience.
    case timedOut(what: String, after: Duration)
    /// The client is closed.
    case closed
    /// The call itself was a mistake.
    case misuse(MisuseError)
    /// A guest JWT could not be made.
    case jwt(JwtError)
    /// The store does not do what it should.
    case store(StoreError)
    /// What is stored cannot be used. It is left as it is.
    case restore(RestoreError)
    /// A call of an API did not get through, or no complete answer came back.
    case call(SendFault, problem: String)

    /// True where the same call may work later without anybody changing anything.
    public var isTransient: Bool {
        switch self {
        case .unavailable(let fault, _), .loginFailed(let fault): fault.isTransient
        case .timedOut, .call: true
        case .store(let error): error.isTransient
        case .signInRequired, .callbackIgnored, .loginCancelled, .loginSuperseded, .closed, .misuse, .jwt, .restore:
            false
        }
    }
}

extension AuthError {
    /// Why a call failed; `what` it waited for.
    init(_ failure: CallFailure, _ what: String, _ stores: StoreJobs?) {
        switch failure {
        case .signInRequired(let reason): self = .signInRequired(reason)
        case .unavailable(let fault, let retryAt): self = .unavailable(fault, retryAt: Date(millis: retryAt))
        case .loginFailed(let fault): self = .loginFailed(fault)
        case .callbackIgnored(let reason): self = .callbackIgnored(reason)
        case .loginCancelled: self = .loginCancelled
        case .loginSuperseded: self = .loginSuperseded
        case .timeout(let limitMs): self = .timedOut(what: what, after: .millis(limitMs))
        case .store(let fault): self = .store(StoreError(fault, stores))
        case .scopeUnknown:
            let problem = "what was granted is not known, so it has to be named"
            self = .misuse(.InvalidArgument(argument: "scope", problem: problem))
        case .misuse(let mistake): self = .misuse(mistake)
        case .closed, .interrupted: self = .closed
        }
    }
}

extension AuthError: CustomStringConvertible, CustomDebugStringConvertible, LocalizedError {
    public var description: String {
        switch self {
        case .signInRequired(let reason): "sign in: \(reason.words)"
        case .unavailable(let fault, _): "no token at the moment: \(fault.summary)"
        case .loginFailed(let fault): "the login failed: \(fault.summary)"
        case .callbackIgnored(let reason): "not the callback of the pending login: \(reason.words)"
        case .loginCancelled: "the login was cancelled"
        case .loginSuperseded: "another sign-in took its place"
        case .timedOut(let what, let limit): "\(what) took longer than \(limit.components.seconds) s"
        case .closed: "the client is closed"
        case .misuse(let error): error.description
        case .jwt(let error): error.description
        case .store(let error): error.description
        case .restore(let error): error.description
        case .call(_, let problem): "the call failed: \(problem)"
        }
    }

    public var debugDescription: String { "AuthError(\(description))" }
    public var errorDescription: String? { description }
}

/// A store that does not do what it should. The session goes on in memory and the save is tried again. Paths are named,
/// contents never.
public enum StoreError: Error, Sendable, Equatable {
    /// Reading or writing is not allowed.
    case denied(path: String)
    /// No space is left.
    case full(path: String)
    /// Another process holds the lock and does not let go.
    case busy(what: String)
    /// The lock does not work at all: not a file, or a file system without locks.
    case lock(path: String, problem: String)
    /// What is stored is not a session. It is left as it is.
    case damaged(what: String)
    /// Anything else that the system reports.
    case io(path: String, problem: String)
    /// For stores of other kinds. The text must not contain a secret.
    case other(problem: String)

    var isTransient: Bool {
        switch self {
        case .busy, .full: true
        case .denied, .lock, .damaged, .io, .other: false
        }
    }

    /// What a store threw. The text of a foreign error is not passed on: nobody knows what is in it.
    init(of error: any Error) {
        self = error as? StoreError ?? .other(problem: "the store failed (\(type(of: error)))")
    }
}

extension StoreError: CustomStringConvertible, LocalizedError {
    public var description: String {
        switch self {
        case .denied(let path): "\(path): no permission, or read-only"
        case .full(let path): "\(path): the disk is full"
        case .busy(let what): "\(what): locked by another process"
        case .lock(let path, let problem): "\(path): the lock does not work (\(problem))"
        case .damaged(let what): "\(what): not a stored session, or a damaged one"
        case .io(let path, let problem): "\(path): \(problem)"
        case .other(let problem): problem
        }
    }

    public var errorDescription: String? { description }
}

extension SignInReason {
    var words: String {
        switch self {
        case .signedOut(.neverSignedIn): "nobody is signed in yet"
        case .signedOut(.byUser): "the user signed out"
        case .signedOut(.grantEnded): "the server has ended the sign-in"
        case .signedOut(.embargoed): "the organization may not be served here"
        case .loginPending: "a login is under way and not finished"
        case .expired: "the access token has expired and there is nothing to renew it with"
        case .refreshTokenExpired: "the refresh token has expired"
        case .rejected: "the token is refused and there is nothing to renew it with"
        case .scopeNotGranted(let missing): "the tokens do not cover \(missing)"
        }
    }
}

extension CallbackIgnored {
    var words: String {
        switch self {
        case .noLoginPending: "no login is pending, or it is too old"
        case .alreadyCompleted: "that login is done already"
        case .otherUrl: "another URL than the redirect URI"
        case .notACallback: "nothing of OAuth is in it"
        case .wrongState: "its state is absent or another one"
        case .duplicateParameter: "a parameter occurs twice"
        case .wrongIssuer: "it names another issuer"
        case .incomplete: "neither error nor code nor token is in it"
        case .tooLong: "it is too long"
        }
    }
}

// They come with their sentences; printed, they are those.
extension ConfigError: CustomStringConvertible {}
extension MisuseError: CustomStringConvertible {}
extension RestoreError: CustomStringConvertible {}
extension JwtError: CustomStringConvertible {}
