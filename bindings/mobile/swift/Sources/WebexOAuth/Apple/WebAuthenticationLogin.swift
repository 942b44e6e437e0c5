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

        /// Shows the sheet and waits for the tokens. The redirect URI has to have a scheme of the app's own.
        ///
        /// Throws as ``AuthClient/completeLogin(_:)``; ``AuthError/loginCancelled`` where the user closed the sheet.
        @discardableResult
        public func run(_ options: LoginOptions = LoginOptions()) async throws -> SignedIn {
            let url = try await client.beginLogin(options)
            let redirect = options.redirectURI ?? client.config.parts().redirectUri
            let scheme = redirect.flatMap { URL(string: $0)?.scheme }
            do {
                return try await client.completeLogin(try await show(url, scheme))
            } catch is ASWebAuthenticationSessionError {
                try await client.cancelLogin(of: url)
                throw AuthError.loginCancelled
            }
        }

        private func show(_ url: URL, _ scheme: String?) async throws -> URL {
            try await withCheckedThrowingContinuation { continuation in
                let session = ASWebAuthenticationSession(url: url, callbackURLScheme: scheme) { @Sendable callback, error in
                    if let callback {
                        continuation.resume(returning: callback)
                    } else {
                        continuation.resume(throwing: error ?? AuthError.loginCancelled)
                    }
                }
                session.presentationContextProvider = self
                session.prefersEphemeralWebBrowserSession = prefersEphemeralSession
                self.session = session
                session.start()
            }
        }

        public func presentationAnchor(for session: ASWebAuthenticationSession) -> ASPresentationAnchor { anchor }
    }
#endif
