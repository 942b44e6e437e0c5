#if os(macOS) || os(Linux)
    import Foundation

    /// A process that ends with its standard input, which is held open as long as this object is there.
    final class Program: @unchecked Sendable {
        private let process = Process()
        private let input = Pipe()
        private let lines: AsyncStream<String>

        private static let name = "webex-oauth-simulator"
        private static let variable = "WEBEX_OAUTH_SIMULATOR"

        static func start(_ arguments: [String]) throws -> Program {
            let environment = ProcessInfo.processInfo.environment
            let named = environment[variable].map { [$0] }
            let found = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
            guard let path = (named ?? found).first(where: FileManager.default.isExecutableFile(atPath:)) else {
                throw SimulatorError(
                    "there is no \(named?.first ?? name). `cargo install --path conformance/simulator` in a clone of webex-oauth "
                        + "puts \(name) on the path; the variable \(variable) may name another place")
            }
            return try Program(path, arguments)
        }

        private init(_ path: String, _ arguments: [String]) throws {
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
            process.standardInput = input
            process.standardOutput = output
            let (lines, feed) = AsyncStream.makeStream(of: String.self)
            self.lines = lines
            let file = output.fileHandleForReading
            // A thread of its own: Swift's own few must not wait for a process.
            Thread.detachNewThread {
                var rest = Data()
                while case let data = file.availableData, !data.isEmpty {
                    rest.append(data)
                    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                        feed.yield(String(decoding: rest[..<end], as: UTF8.self))
                        rest = Data(rest[(end + 1)...])
                    }
                }
                feed.finish()
            }
            try process.run()
        }

        func firstLine() async throws -> String {
            for await line in lines { return line }
            throw SimulatorError("the simulator did not start")
        }

        deinit {
            try? input.fileHandleForWriting.close()
            if process.isRunning { process.terminate() }
        }
    }
#endif
