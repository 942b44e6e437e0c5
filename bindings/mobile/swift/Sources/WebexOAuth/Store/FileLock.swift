import Foundation

/// A lock file: locked by whoever can, freed by the system when its holder ends.
enum FileLock {
    /// Locks the file at `path`, which is created where needed. `nil` where another holds it.
    static func tryLock(_ path: String) throws -> StoreLock? {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if file < 0 { throw lockError(path, errno) }
        switch lockNow(file) {
        case 0: return StoreLock { close(file) }
        case EAGAIN, EACCES:
            close(file)
            return nil
        case let problem:
            close(file)
            throw lockError(path, problem)
        }
    }

    private static func lockError(_ path: String, _ errno: Int32) -> StoreError {
        switch StoreError(path, errno) {
        case .io(let path, let errno): .lock(path: path, errno: errno)
        case let other: other
        }
    }

    #if os(Linux) || os(Android)
        /// A record lock that belongs to the open file: `F_SETLK`, as Java and Python take it, would be shared by all
        /// threads of a process. The two kinds exclude each other.
        private static func lockNow(_ file: Int32) -> Int32 {
            var wholeFile = flock()
            wholeFile.l_type = Int16(F_WRLCK)
            wholeFile.l_whence = Int16(SEEK_SET)
            // F_OFD_SETLK, which the C library shows to GNU sources only.
            return fcntl(file, 37, &wholeFile) == 0 ? 0 : errno
        }
    #else
        private static func lockNow(_ file: Int32) -> Int32 {
            flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? EAGAIN : errno
        }
    #endif
}
