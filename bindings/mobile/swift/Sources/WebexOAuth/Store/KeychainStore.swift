// Not run here: the tests run on Linux, which has no Keychain. Compiled where there is one.

#if canImport(Security)
    import Foundation
    import Security
    import WebexOAuthCore

    /// Keeps a session in the Keychain: for the session of one app, on this device only, readable after the first unlock.
    public struct KeychainStore: TokenStore {
        private let service: String
        private let account: String
        private let accessGroup: String?

        /// An item of its own; `accessGroup` shares it with an extension of the app.
        public init(service: String, account: String = "webex-oauth", accessGroup: String? = nil) {
            self.service = service
            self.account = account
            self.accessGroup = accessGroup
        }

        public func load() throws -> Secret? {
            var query = item
            query[kSecReturnData as String] = true
            query[kSecMatchLimit as String] = kSecMatchLimitOne
            var found: CFTypeRef?
            let status = SecItemCopyMatching(query as CFDictionary, &found)
            if status == errSecItemNotFound { return nil }
            guard status == errSecSuccess else { throw failed(status) }
            guard let data = found as? Data, let text = String(data: data, encoding: .utf8) else {
                throw StoreError.damaged(what: "the Keychain item \(service)")
            }
            return Secret(text: text)
        }

        /// The Keychain cannot compare and swap by itself: within a process this lock makes it one step. An extension
        /// that shares the item has to share a ``FileStore`` in the app group instead.
        public func save(_ put: Put) throws -> SaveResult {
            try Self.oneAtATime.withLock { _ in
                let found = try load()
                if try heldRevision(found, "the Keychain item \(service)") != put.replaces { return .conflict(found: found) }
                let value: [String: Any] = [
                    kSecValueData as String: Data(put.snapshot.expose().utf8),
                    kSecAttrAccessible as String: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
                ]
                var status = SecItemUpdate(item as CFDictionary, value as CFDictionary)
                if status == errSecItemNotFound {
                    status = SecItemAdd(item.merging(value) { $1 } as CFDictionary, nil)
                }
                guard status == errSecSuccess else { throw failed(status) }
                return .stored
            }
        }

        public func delete() throws {
            let status = SecItemDelete(item as CFDictionary)
            guard status == errSecSuccess || status == errSecItemNotFound else { throw failed(status) }
        }

        private static let oneAtATime = Locked(())

        private var item: [String: Any] {
            var item: [String: Any] = [
                kSecClass as String: kSecClassGenericPassword,
                kSecAttrService as String: service,
                kSecAttrAccount as String: account,
                kSecUseDataProtectionKeychain as String: true,
            ]
            item[kSecAttrAccessGroup as String] = accessGroup
            return item
        }

        private func failed(_ status: OSStatus) -> StoreError {
            status == errSecInteractionNotAllowed
                ? .denied(path: "the Keychain item \(service)")
                : .other(problem: "the Keychain item \(service): error \(status)")
        }
    }
#endif
