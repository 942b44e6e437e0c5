import Foundation
import Testing
import WebexOAuth

@Suite(.timeLimit(.minutes(1))) struct StoreTests {
    /// What a session of this client would store, at some revision.
    private func snapshots() async throws -> (first: Secret, second: Secret) {
        let store = MemoryStore()
        let client = try await AuthClient(
            Config.make(clientID: "c", clientSecret: "s", redirectURI: "https://example.com/"), store: store)
        try await client.adopt("Bearer one")
        let first = try #require(store.load())
        try await client.adopt("Bearer two")
        let second = try #require(store.load())
        await client.close()
        return (first, second)
    }

    private func hold(_ store: any TokenStore) async throws {
        let (first, second) = try await snapshots()
        #expect(try await store.load() == nil)
        guard case .stored = try await store.save(first, replaces: 0) else { throw Failed("an empty store takes it") }
        guard case .conflict(let found) = try await store.save(second, replaces: revision(of: second)) else {
            throw Failed("no conflict")
        }
        #expect(found?.expose() == first.expose())
        guard case .stored = try await store.save(second, replaces: revision(of: first)) else { throw Failed("not stored") }
        #expect(try await store.load()?.expose() == second.expose())
        let lock = try #require(try await store.tryLock())
        #expect(try await store.tryLock() == nil)
        lock.release()
        #expect(try await store.tryLock() != nil)
        try await store.delete()
        try await store.delete()
        #expect(try await store.load() == nil)
    }

    @Test func aStoreInMemoryKeepsTheContract() async throws {
        try await hold(MemoryStore())
    }

    @Test func aStoreInAFileKeepsTheContract() async throws {
        let folder = try Folder()
        try await hold(FileStore(folder.file("new/folder/session")))
    }

    @Test func theFileAndItsFolderAreTheirOwnersOnly() async throws {
        let folder = try Folder()
        let file = folder.file("private/session")
        _ = try await FileStore(file).save(snapshots().first, replaces: 0)
        let mode = { try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int }
        #expect(try mode(file.path) == 0o600)
        #expect(try mode(folder.file("private").path) == 0o700)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("private").path).sorted()
        #expect(names == ["session", "session.lock"])
    }

    @Test func aLinkIsFollowedNotReplaced() async throws {
        let folder = try Folder()
        let (first, second) = try await snapshots()
        _ = try await FileStore(folder.file("real")).save(first, replaces: 0)
        try FileManager.default.createSymbolicLink(at: folder.file("link"), withDestinationURL: folder.file("real"))
        _ = try await FileStore(folder.file("link")).save(second, replaces: revision(of: first))
        #expect(try await FileStore(folder.file("real")).load()?.expose() == second.expose())
    }

    @Test func whatIsNoSessionIsLeftAsItIs() async throws {
        let folder = try Folder()
        for bytes in [Data("nonsense".utf8), Data([0xff, 0xfe, 0x00]), Data(count: 5 * 1024 * 1024)] {
            let file = folder.file("session")
            try bytes.write(to: file)
            let error = try await failure {
                _ = try await AuthClient(
                    Config.make(clientID: "c", clientSecret: "s", redirectURI: "https://example.com/"),
                    store: FileStore(file))
            }
            switch error {
            case .restore, .store: break
            default: throw Failed("\(error)")
            }
            #expect(try Data(contentsOf: file) == bytes)
        }
        try Data().write(to: folder.file("empty"))
        #expect(try await FileStore(folder.file("empty")).load() == nil)
        guard case .io = try await storeError({ _ = try await FileStore(folder.url).load() }) else { throw Failed("a folder") }
    }

    @Test func whatAKilledSaveHasLeftGoesWithTheNextSaveAndWithADelete() async throws {
        let folder = try Folder()
        let (first, second) = try await snapshots()
        let store = FileStore(folder.file("session"))
        let names = { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() }
        _ = try await store.save(first, replaces: 0)
        try Data("tokens".utf8).write(to: folder.file("session.new"))
        guard case .stored = try await store.save(second, replaces: revision(of: first)) else { throw Failed("not stored") }
        #expect(try names() == ["session", "session.lock"])
        try Data("tokens".utf8).write(to: folder.file("session.new"))
        try await store.delete()
        #expect(try names() == ["session.lock"])
    }

    @Test func pipesAndDevicesAreRefusedAtOnceAndStay() async throws {
        let folder = try Folder()
        let pipe = folder.file("pipe")
        #expect(mkfifo(pipe.path, 0o600) == 0)
        try FileManager.default.createSymbolicLink(at: folder.file("link"), withDestinationURL: pipe)
        let (first, _) = try await snapshots()
        for url in [pipe, folder.file("link")] {
            let store = FileStore(url)
            let calls: [@Sendable () async throws -> Void] = [
                { _ = try await store.load() }, { _ = try await store.save(first, replaces: 0) },
                { try await store.delete() },
            ]
            for call in calls {
                guard case .io(let path, _) = try await storeError(call) else { throw Failed("another error") }
                #expect(path == pipe.path)
            }
            let error = try await failure {
                _ = try await AuthClient(
                    Config.make(clientID: "c", clientSecret: "s", redirectURI: "https://example.com/"), store: store)
            }
            guard case .store(.io) = error else { throw Failed("\(error)") }
        }
        var found = stat()
        #expect(lstat(pipe.path, &found) == 0 && found.st_mode & S_IFMT == S_IFIFO)
        let device = FileStore(URL(fileURLWithPath: "/dev/zero"))
        guard case .io = try await storeError({ _ = try await device.load() }) else { throw Failed("a device") }
    }

    @Test func eachFailureOfAFileIsOfItsKind() async throws {
        let folder = try Folder()
        let (first, _) = try await snapshots()
        try Data("no session".utf8).write(to: folder.file("text"))
        let text = FileStore(folder.file("text"))
        guard case .damaged = try await storeError({ _ = try await text.save(first, replaces: 0) }) else {
            throw Failed("what is no session")
        }
        let below = FileStore(folder.file("text/session"))
        guard case .io = try await storeError({ _ = try await below.save(first, replaces: 0) }) else {
            throw Failed("a folder that is a file")
        }
        let lock = folder.file("session.refresh-lock")
        try FileManager.default.createDirectory(at: lock, withIntermediateDirectories: false)
        let locked = FileStore(folder.file("session"))
        guard case .lock(lock.path, _) = try await storeError({ _ = try await locked.tryLock() }) else {
            throw Failed("a lock that is a folder")
        }
    }

    @Test func theLockIsTheOneOfTheOtherLanguages() async throws {
        let folder = try Folder()
        let file = folder.file("session")
        let store = FileStore(file)
        let python = """
            import fcntl, sys
            lock = open(sys.argv[1], "a")
            fcntl.lockf(lock, fcntl.LOCK_EX)
            print("locked", flush=True)
            sys.stdin.readline()
            fcntl.lockf(lock, fcntl.LOCK_UN)
            print("released", flush=True)
            sys.stdin.readline()
            """
        let other = try Child(["python3", "-c", python, file.path + ".refresh-lock"], outside: true)
        #expect(try await other.line() == "locked")
        #expect(try await store.tryLock() == nil)
        try other.write("")
        #expect(try await other.line() == "released")
        #expect(try await store.tryLock() != nil)
        try await other.end()
    }

    @Test func twoClientsOfOneStoreRefreshOnce() async throws {
        let simulator = try await Simulator(["rotate": true])
        let folder = try Folder()
        let file = folder.file("session")
        let (first, _) = try await simulator.signedIn(livesFor: 0, store: FileStore(file))
        let second = try await simulator.client(store: FileStore(file))
        try await simulator.fault(["fault": "slow", "ms": 100, "grant_type": "refresh_token"])
        async let one = first.token()
        async let two = second.token()
        #expect(try await one.expose() == two.expose())
        #expect(try await simulator.counter("refreshes_attempted") == 1)
        #expect(try await simulator.counter("reuse_detected") == 0)
        await first.close()
        await second.close()
    }

    @Test func aStoreThatThrowsLosesNothingAndTellsNothing() async throws {
        let simulator = try await Simulator()
        let store = ThrowingStore()
        let (client, _) = try await simulator.signedIn(livesFor: 0, store: store)
        let events = client.events
        #expect(try await !client.token().expose().isEmpty)
        guard case .store(.other) = try await failure({ _ = try await client.signOut() }) else { throw Failed("another error") }
        await client.close()
        let told = await events.reduce(into: "") { $0 += printed($1) }
        #expect(told.contains("storeFailed"))
        #expect(!told.contains(Leak.secret))

        store.failsToLoad = true
        let error = try await failure { _ = try await simulator.client(store: store) }
        guard case .store(.other) = error else { throw Failed("\(error)") }
        #expect(!printed(error).contains(Leak.secret))
    }

    @Test func aFailedSaveIsMadeUpFor() async throws {
        let simulator = try await Simulator()
        let store = ThrowingStore()
        let clock = SetClock()
        let (client, _) = try await simulator.signedIn(livesFor: 3600, store: store, options: clock.options)
        let events = client.events
        store.fails = false
        clock.advance(11)
        try await client.refresh()
        #expect(try await store.load() != nil)
        await client.close()
        #expect(await events.contains { $0.name == "store:ready" })
    }

    @Test func aStoreWorksAgainAlsoWhereAnotherProcessHasStoredSince() async throws {
        let simulator = try await Simulator()
        let store = ThrowingStore()
        store.fails = false
        let clock = SetClock()
        let (client, _) = try await simulator.signedIn(livesFor: 3600, store: store, options: clock.options)
        let other = try await simulator.client(store: store.memory, options: clock.options)
        let events = client.events
        store.fails = true
        try await client.adopt(simulator.issue().handoff)
        clock.advance(1)
        for _ in 0..<3 { try await other.adopt(simulator.issue().handoff) }
        store.fails = false
        try await client.cancelLogin()
        try await eventually("the other's session") { try await client.token().expose() == other.token().expose() }
        await client.close()
        await other.close()
        let names = await events.reduce(into: []) { $0.append($1.name) }
        #expect(names.contains("store:error") && names.contains("store:ready"))
    }

    private func storeError(_ call: () async throws -> Void) async throws -> StoreError {
        do {
            try await call()
        } catch let error as StoreError {
            return error
        }
        throw Failed("it had to fail")
    }
}

extension TokenStore {
    fileprivate func save(_ snapshot: Secret, replaces: UInt64) async throws -> SaveResult {
        try await save(Put(snapshot: snapshot, revision: revision(of: snapshot), replaces: replaces))
    }
}

/// A store of somebody else's that throws errors with secrets in them.
final class ThrowingStore: TokenStore, @unchecked Sendable {
    var fails = true
    var failsToLoad = false
    let memory = MemoryStore()

    func load() async throws -> Secret? {
        if failsToLoad { throw Leak() }
        return memory.load()
    }

    func save(_ put: Put) async throws -> SaveResult {
        if fails { throw Leak() }
        return try memory.save(put)
    }

    func delete() async throws {
        throw Leak()
    }

    let lockDomain: String? = "a lock"

    func tryLock() async throws -> StoreLock? {
        throw Leak()
    }
}
