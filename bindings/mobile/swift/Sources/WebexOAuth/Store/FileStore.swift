import Foundation
import WebexOAuthCore

/// Keeps a session in a file that only its owner may read, and that drivers in other languages share: the file and its
/// locks are those of the Rust `FileStore`, the contract is in adapters/driver/README.md.
///
/// The file is replaced as a whole and flushed, so that neither a crash nor a full disk damages what was there. Any
/// number of processes may use the same file.
public struct FileStore: TokenStore {
    /// No session is longer; what is longer is not one.
    private static let maxLength = 4 * 1024 * 1024
    /// A save holds its lock for moments; who waits longer has met something broken.
    private static let savePatience: Duration = .seconds(10)
    /// Where calls block for moments, so that no task of the app waits behind them.
    private static let queue = DispatchQueue(label: "webex-oauth.file-store", attributes: .concurrent)

    private let path: String

    /// A store in this file. Nothing is touched yet: folder and file are made by the first save, readable by their owner
    /// only. A symbolic link is followed.
    public init(_ url: URL) {
        path = url.resolvingSymlinksInPath().path
    }

    /// Where it is.
    public var url: URL { URL(fileURLWithPath: path) }

    public func load() async throws -> Secret? {
        try await offload { try loadNow() }
    }

    public func save(_ snapshot: Secret, replaces: UInt64) async throws -> SaveResult {
        try await offload { try makeFolder() }
        let lock = try await saveLock()
        defer { lock.release() }
        return try await offload {
            if let found = try loadNow() {
                guard let held = try? revision(of: found) else { throw StoreError.damaged(what: path) }
                if held != replaces { return .conflict(found: found) }
            }
            try replace(by: Array(snapshot.expose().utf8))
            return .stored
        }
    }

    public func delete() async throws {
        try await offload {
            if unlink(path) != 0 && errno != ENOENT { throw StoreError(path, errno) }
        }
    }

    public func tryLock() async throws -> StoreLock? {
        try await offload {
            try makeFolder()
            return try FileLock.tryLock(path + ".refresh-lock")
        }
    }

    /// The lock of the compare-and-swap.
    private func saveLock() async throws -> StoreLock {
        let end = ContinuousClock.now + Self.savePatience
        var pause: Duration = .milliseconds(1)
        repeat {
            if let lock = try await offload({ try FileLock.tryLock(path + ".lock") }) { return lock }
            // Not by `Task.sleep`: a cancelled task must not spin here.
            await rest(pause)
            pause = min(pause * 2, .milliseconds(40))
        } while ContinuousClock.now < end
        throw StoreError.busy(what: path)
    }

    private func offload<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            Self.queue.async { continuation.resume(with: Result(catching: work)) }
        }
    }

    private func rest(_ pause: Duration) async {
        await withCheckedContinuation { continuation in
            Self.queue.asyncAfter(deadline: .now() + .milliseconds(Int(pause.millis))) { continuation.resume() }
        }
    }

    private var folder: String {
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? "." : folder
    }

    private func makeFolder() throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) {
            if !isFolder.boolValue { throw StoreError(folder, ENOTDIR) }
            return
        }
        var made = ""
        for part in (folder as NSString).pathComponents {
            made = (made as NSString).appendingPathComponent(part)
            if mkdir(made, 0o700) != 0 && errno != EEXIST && errno != EISDIR { throw StoreError(made, errno) }
        }
    }

    private func loadNow() throws -> Secret? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        if file < 0 {
            if errno == ENOENT { return nil }
            throw StoreError(path, errno)
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw StoreError(path, errno)
            }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
            if bytes.count > Self.maxLength { throw StoreError.damaged(what: path) }
        }
        if bytes.isEmpty { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw StoreError.damaged(what: path) }
        return Secret(text: text)
    }

    private func replace(by bytes: [UInt8]) throws {
        var template = Array("\(folder)/.webex-oauth-XXXXXX".utf8CString)
        // Readable by its owner only from the first moment.
        let file = mkstemp(&template)
        if file < 0 { throw StoreError(path, errno) }
        let temporary = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        do {
            defer { close(file) }
            try write(bytes, to: file)
            if fsync(file) != 0 { throw StoreError(path, errno) }
        } catch {
            unlink(temporary)
            throw error
        }
        if rename(temporary, path) != 0 {
            let problem = errno
            unlink(temporary)
            throw StoreError(path, problem)
        }
        try flushFolder()
    }

    private func write(_ bytes: [UInt8], to file: Int32) throws {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { unsafeWrite(file, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw StoreError(path, errno)
            }
            written += count
        }
    }

    /// The rename itself is durable only once the folder is flushed.
    private func flushFolder() throws {
        let file = open(folder, O_RDONLY | O_CLOEXEC)
        if file < 0 { throw StoreError(folder, errno) }
        defer { close(file) }
        // Some file systems cannot flush a folder: they have nothing to flush then.
        if fsync(file) != 0 && errno != EINVAL && errno != ENOTSUP { throw StoreError(folder, errno) }
    }
}

/// The system's `write`, which the method above would hide.
private func unsafeWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}

extension FileStore: CustomStringConvertible {
    public var description: String { "FileStore(\(path))" }
}

extension StoreError {
    /// The failure of an operation on `path`.
    init(_ path: String, _ errno: Int32) {
        switch errno {
        case EACCES, EPERM, EROFS: self = .denied(path: path)
        case ENOSPC, EDQUOT, EFBIG: self = .full(path: path)
        default: self = .io(path: path, errno: errno)
        }
    }
}
