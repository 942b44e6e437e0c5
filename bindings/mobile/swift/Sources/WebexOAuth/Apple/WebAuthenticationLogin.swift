// Not run here: the tests run on Linux, which has no AuthenticationServices. Compiled where there is one.

#if canImport(AuthenticationServices) && (os(iOS) || os(macOS) || os(visionOS))
    import AuthenticationServices
    import Foundation

    /// The login in the system's browser sheet.
    ///
    ///     let login = WebAuthenticationLogin(client: client, anchor: window)
    ///     try await login.run()
    @MainActor
    public final class WebAuthenticationLogin: NSObject, ASWebAuthenticationPresentationContextProviding {
        private let client: AuthClient
        private let anchor: ASPresentationAnchor
        private var session: ASWebAuthenticationSession?
        /// Does not share cookies with the browser: the user signs in anew every time.
        public var prefersEphemeralSession = false

        public init(client: AuthClient, anchor: ASPresentationAnchor) {
            self.client = client
            self.anchor = anchor
        }

        /// Shows the sheet and waits for the tokens.
        ///
        /// The redirect URI has a scheme of the app's own, or is an https one of a domain that is associated with the app
        /// (`webcredentials`; iOS 17.4, macOS 14.4). Throws as ``AuthClient/completeLogin(_:)``; ``AuthError/loginCancelled``
        /// where the user closed the sheet; ``AuthError/misuse(_:)`` where the system did not show it. The login that was begun
        /// is given up in both cases.
        @discardableResult
        public func run(_ options: LoginOptions = LoginOptions()) async throws -> SignedIn {
            let url = try await client.beginLogin(options)
            let redirect = options.redirectURI ?? client.config.parts().redirectUri
            let callback: URL
            do {
                callback = try await show(url, redirect.flatMap(URL.init(string:)))
            } catch {
                try await client.cancelLogin(of: url)
                throw told(error)
            }
            return try await client.completeLogin(callback)
        }

        private func show(_ url: URL, _ redirect: URL?) async throws -> URL {
            try await withCheckedThrowingContinuation { continuation in
                // The system may say in two ways that it did not begin: by what `start` returns, and by calling back.
                let answer = FirstAnswer(continuation)
                do {
                    let session = try makeSession(url, redirect) { @Sendable callback, error in
                        answer.give(callback.map { .success($0) } ?? .failure(error ?? AuthError.loginCancelled))
                    }
                    session.presentationContextProvider = self
                    session.prefersEphemeralWebBrowserSession = prefersEphemeralSession
                    self.session = session
                    if !session.start() { answer.give(.failure(Self.notShown)) }
                } catch {
                    answer.give(.failure(error))
                }
            }
        }

        private func makeSession(
            _ url: URL, _ redirect: URL?, _ end: @escaping ASWebAuthenticationSession.CompletionHandler
        ) throws -> ASWebAuthenticationSession {
            guard let redirect, redirect.scheme == "https", let host = redirect.host else {
                return ASWebAuthenticationSession(url: url, callbackURLScheme: redirect?.scheme, completionHandler: end)
            }
            guard #available(iOS 17.4, macOS 14.4, visionOS 1.1, *) else {
                let problem = "this system's sheet does not come back to https: use a scheme of the app's own"
                throw AuthError.misuse(.InvalidArgument(argument: "redirectURI", problem: problem))
            }
            return ASWebAuthenticationSession(
                url: url, callback: .https(host: host, path: redirect.path), completionHandler: end)
        }

        private func told(_ error: any Error) -> any Error {
            guard let error = error as? ASWebAuthenticationSessionError else { return error }
            return error.code == .canceledLogin ? AuthError.loginCancelled : Self.notShown
        }

        private static let notShown = AuthError.misuse(
            .InvalidArgument(
                argument: "anchor",
                problem: "the system did not show the sheet: another one is there, or this is no window on the screen"))

        public func presentationAnchor(for session: ASWebAuthenticationSession) -> ASPresentationAnchor { anchor }
    }
#endif
