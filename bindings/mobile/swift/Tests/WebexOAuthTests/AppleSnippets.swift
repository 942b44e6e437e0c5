// The README's snippets for Apple's systems. Compiled where there is SwiftUI; elsewhere their syntax is checked and no more.

#if canImport(SwiftUI) && canImport(Security) && os(iOS)
    import SwiftUI
    import WebexOAuth

    // README
    @MainActor
    final class SignIn: ObservableObject {
        @Published private(set) var isSignedIn = false
        @Published private(set) var problem: String?
        private var client: AuthClient?

        func open() async {
            do {
                let config = try Config.make(
                    clientID: "C1234", redirectURI: "com.example.app:/callback", scope: "spark:people_read")
                let client = try await AuthClient(config, store: KeychainStore(service: "com.example.app"))
                self.client = client
                isSignedIn = client.status.canAuthorize
            } catch {
                problem = "\(error)"
            }
        }

        func begin() async -> URL? {
            do {
                return try await client?.beginLogin()
            } catch {
                problem = "\(error)"
                return nil
            }
        }

        func complete(_ callback: URL) async {
            do {
                try await client?.completeLogin(callback)
                isSignedIn = true
            } catch AuthError.callbackIgnored {
                // An address of somebody else: the login goes on waiting.
            } catch {
                problem = "\(error)"
            }
        }
    }

    struct SignInView: View {
        @StateObject private var model = SignIn()
        @Environment(\.openURL) private var openURL

        var body: some View {
            Button(model.isSignedIn ? "Signed in" : "Sign in") {
                Task { if let url = await model.begin() { openURL(url) } }
            }
            .disabled(model.isSignedIn)
            .task { await model.open() }
            .onOpenURL { url in Task { await model.complete(url) } }
        }
    }
    // END

    @MainActor
    private func sheet(_ client: AuthClient, _ window: UIWindow, _ show: (String) -> Void) async throws {
        // README
        let login = WebAuthenticationLogin(client: client, anchor: window)
        do {
            try await login.run()
        } catch AuthError.loginCancelled {
            // The user closed the sheet.
        } catch AuthError.misuse(let mistake) {
            show("The sheet was not shown: \(mistake)")
        }
        // END
    }
#endif
