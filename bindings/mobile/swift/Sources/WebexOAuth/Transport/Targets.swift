import Foundation
import WebexOAuthCore

extension TargetUri {
    /// Foundation's URL of what the core has judged. Nil where Foundation would connect elsewhere than the core says, or
    /// ask for something else there: two readings of one text are how a token goes astray.
    var asURL: URL? {
        guard let url = URL(string: url), let parts = URLComponents(url: url, resolvingAgainstBaseURL: false),
            parts.scheme == scheme, parts.user == nil, parts.password == nil,
            let name = parts.percentEncodedHost, name.trimmingBrackets == host,
            (parts.port ?? (scheme == "https" ? 443 : 80)) == Int(port)
        else { return nil }
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        let asked = parts.percentEncodedQuery.map { "\(path)?\($0)" } ?? path
        return asked == requestTarget ? url : nil
    }
}

extension String {
    /// An IPv6 address without its brackets.
    fileprivate var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}
