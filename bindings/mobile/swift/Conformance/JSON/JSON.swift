import Foundation

/// JSON as a value: what the harness and the runner read and print. What is absent is left out.
public enum JSON: Sendable, Equatable {
    case null
    case flag(Bool)
    case number(Int64)
    /// Beyond what `number` holds.
    case large(UInt64)
    case text(String)
    case list([JSON])
    case object([String: JSON])

    public init(parsing text: String) throws {
        self = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
    }

    /// A member; `nil` where there is none, or where this is not an object.
    public subscript(_ name: String) -> JSON? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    public var text: String? { if case .text(let text) = self { text } else { nil } }
    public var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
    public var list: [JSON]? { if case .list(let list) = self { list } else { nil } }
    public var object: [String: JSON]? { if case .object(let members) = self { members } else { nil } }
    public var int: Int64? { if case .number(let number) = self { number } else { nil } }
    public var natural: UInt64? {
        switch self {
        case .number(let number): UInt64(exactly: number)
        case .large(let number): number
        default: nil
        }
    }
}

extension JSON: Decodable {
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let members = try? value.decode([String: JSON].self) {
            self = .object(members)
        } else if let list = try? value.decode([JSON].self) {
            self = .list(list)
        } else if let number = try? value.decode(Int64.self) {
            self = .number(number)
        } else {
            self = .large(try value.decode(UInt64.self))
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral text: String) { self = .text(text) }
    public init(booleanLiteral flag: Bool) { self = .flag(flag) }
    public init(integerLiteral number: Int64) { self = .number(number) }
    public init(arrayLiteral items: JSON...) { self = .list(items) }
    public init(dictionaryLiteral members: (String, JSON?)...) {
        self = .object(Dictionary(members.compactMap { name, value in value.map { (name, $0) } }) { $1 })
    }

    public init(_ number: UInt64) {
        self = Int64(exactly: number).map(JSON.number) ?? .large(number)
    }
}

extension JSON: CustomStringConvertible {
    /// One line.
    public var description: String {
        var out = ""
        write(to: &out)
        return out
    }

    private func write(to out: inout String) {
        switch self {
        case .null: out += "null"
        case .flag(let flag): out += flag ? "true" : "false"
        case .number(let number): out += String(number)
        case .large(let number): out += String(number)
        case .text(let text): Self.quote(text, to: &out)
        case .list(let items):
            out += "["
            for (index, item) in items.enumerated() {
                if index > 0 { out += "," }
                item.write(to: &out)
            }
            out += "]"
        case .object(let members):
            out += "{"
            for (index, (name, value)) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { out += "," }
                Self.quote(name, to: &out)
                out += ":"
                value.write(to: &out)
            }
            out += "}"
        }
    }

    private static func quote(_ text: String, to out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\u{0}"..."\u{1F}":
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}
