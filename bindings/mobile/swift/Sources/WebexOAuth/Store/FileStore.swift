import Foundation
import WebexOAuthCore

/// Keeps a session in a file that only its owner may read, and that clients in other languages share: it is the same code
/// in all of them, and its contract is in adapters/driver/README.md.
///
/// The file is replaced as a whole and flushed, so that neither a crash nor a full disk damages what was there. Any
/// number of processes may use the same file. What is no file, a pipe or a device, is refused.
public struct FileStore: TokenStore {
    /// Where calls block for moments, so that no task of the app waits behind them.
    private static let queue = DispatchQueue(label: "webex-oauth.file-store", attributes: .concurrent)

    private let file: SessionFile

    /// A store in this file. Nothing is touched yet: folder and file are made by the first save, readable by their owner
    /// only. A symbolic link is followed.
    public init(_ url: URL) {
        file = SessionFile(path: url.path)
    }

    /// Where it is.
    public var url: URL { URL(fileURLWithPath: file.path()) }

    public func load() async throws -> Secret? {
        try await blocking { try $0.load() }
    }

    public func save(_ put: Put) async throws -> SaveResult {
        switch try await blocking({ try $0.save(snapshot: put.snapshot, replaces: put.replaces) }) {
        case .stored: .stored
        case .conflict(let found): .conflict(found: found)
        }
    }

    public func delete() async throws {
        try await blocking { try $0.delete() }
    }

    public var lockDomain: String? { file.lockDomain() }

    public func tryLock() async throws -> StoreLock? {
        guard let lock = try await blocking({ try $0.tryLock() }) else { return nil }
        return StoreLock { lock.release() }
    }

    private func blocking<T: Sendable>(_ call: @escaping @Sendable (SessionFile) throws -> T) async throws -> T {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                Self.queue.async { continuation.resume(with: Result { try call(file) }) }
            }
        } catch let error as SessionFileError {
            throw StoreError(error)
        }
    }
}

extension FileStore: CustomStringConvertible {
    public var description: String { "FileStore(\(file.path()))" }
}

extension StoreError {
    fileprivate init(_ error: SessionFileError) {
        self =
            switch error {
            case .Denied(let path): .denied(path: path)
            case .Full(let path): .full(path: path)
            case .Busy(let path): .busy(what: path)
            case .Lock(let path, let problem): .lock(path: path, problem: problem)
            case .Damaged(let path): .damaged(what: path)
            case .Io(let path, let problem): .io(path: path, problem: problem)
            }
    }
}
