// Signs in and says who that is.
//
//     WEBEX_CLIENT_ID=... WEBEX_CLIENT_SECRET=... WEBEX_REDIRECT_URI=... WEBEX_SCOPE=spark:people_read swift run sign-in
//
// With WEBEX_SESSION_FILE it stays signed in. An argument names another server with Webex's paths: the simulator.

import Foundation
import WebexOAuth

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

struct Person: Decodable {
    let displayName: String
}

func signIn(at base: URL?) async throws {
    let config = try await Config.make { parts in
        if let base { parts.provider = .webex(at: base) }
    }
    let file = ProcessInfo.processInfo.environment["WEBEX_SESSION_FILE"]
    if file != nil, ProcessInfo.processInfo.environment["WEBEX_KEY_FILE"] != nil {
        // The command and Python encrypt the session with it. Here it would lie in the clear.
        end("WEBEX_KEY_FILE is set, and nothing here encrypts WEBEX_SESSION_FILE: unset one of the two")
    }
    let client = try await AuthClient(config, store: file.map { FileStore(URL(fileURLWithPath: $0)) })

    if !client.status.canAuthorize {
        let url = try await client.beginLogin()
        print("Open this page, sign in, and paste the address where the browser ends:\n\(url.absoluteString)")
        fflush(nil)
        try await client.completeLogin(callback: readLine() ?? "")
    }

    let api = base?.appendingPathComponent("v1") ?? URL(string: "https://webexapis.com/v1")!
    let answer = try await client.call(URLRequest(url: api.appendingPathComponent("people/me")))
    let person = try JSONDecoder().decode(Person.self, from: answer.body)
    print("Hello, \(person.displayName)!")
    await client.close()
}

/// What is wrong, in a sentence.
func end(_ problem: String) -> Never {
    FileHandle.standardError.write(Data("\(problem)\n".utf8))
    exit(1)
}

do {
    try await signIn(at: CommandLine.arguments.dropFirst().first.flatMap(URL.init(string:)))
} catch {
    end("\(error)")
}
