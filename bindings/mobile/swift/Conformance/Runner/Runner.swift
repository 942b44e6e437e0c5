// The runner of the Swift column: reads vectors, calls the typed API, prints what it answers. It judges nothing.
//
// usage: vector-runner PATH...     files or folders; one JSON line per test on standard output

import Foundation
import JSONValue

/// What could not be read.
struct Problem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

@main
struct Main {
    static func main() {
        do {
            for file in CommandLine.arguments.dropFirst().flatMap(find).sorted() {
                try run(file)
            }
        } catch {
            FileHandle.standardError.write(Data("vector-runner: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func find(_ path: String) -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            return path.hasSuffix(".json") ? [path] : []
        }
        return names.flatMap { find("\(path)/\($0)") }
    }

    private static func run(_ path: String) throws {
        guard let text = FileManager.default.contents(atPath: path) else { throw Problem("\(path): cannot be read") }
        let file = try JSON(parsing: String(decoding: text, as: UTF8.self))
        var lines = ""
        for group in file["groups"]?.list ?? [] {
            for test in group["tests"]?.list ?? [] {
                guard let id = test["id"] else { throw Problem("\(path): a test without an id") }
                do {
                    lines += "\(["id": id, "result": try result(file["kind"]?.text ?? "", test, group["config"])] as JSON)\n"
                } catch {
                    lines += "\(["id": id, "skipped": .text("\(error)")] as JSON)\n"
                }
            }
        }
        FileHandle.standardOutput.write(Data(lines.utf8))
    }

    private static func result(_ kind: String, _ test: JSON, _ config: JSON?) throws -> JSON {
        if kind == "transcript" { return try transcript(test, config) }
        if kind == "coordinator" { return try coordinated(test, config) }
        guard let input = test["input"] else { throw Problem("input is missing") }
        return try call(kind, input, config)
    }
}
