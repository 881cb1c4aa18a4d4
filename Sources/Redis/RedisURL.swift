import FoundationEssentials

/// Where a Redis is and who asks.
///
/// - `unix:/path/redis.sock`, with `?db=2&user=queue&password=secret` where needed
/// - `redis://user:password@host:6379/2`; the port is 6379 and the database 0 where they are missing, and
///   `redis://:password@host` authenticates as the default user
///
/// User and password are percent-encoded.
package struct RedisURL: Sendable, Hashable {
    package enum Address: Sendable, Hashable {
        case unix(path: String)
        case tcp(host: String, port: Int)
    }

    package var address: Address
    package var user: String?
    package var password: String?
    package var database: Int

    package init(address: Address, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
    }

    /// - Throws: ``RedisURLError``, which says what is wrong without repeating a password.
    package init(_ text: String) throws {
        guard let components = URLComponents(string: text) else {
            throw RedisURLError(reason: "it is not a URL")
        }
        switch components.scheme {
        case "unix": try self.init(unix: components)
        case "redis": try self.init(redis: components)
        default: throw RedisURLError(reason: "it begins with neither unix: nor redis://")
        }
        if user != nil, password == nil {
            throw RedisURLError(reason: "it has a user but no password")
        }
    }

    private init(unix components: URLComponents) throws {
        guard components.path.hasPrefix("/"), components.host?.isEmpty ?? true else {
            throw RedisURLError(reason: "unix: is not followed by an absolute path")
        }
        self.init(address: .unix(path: components.path))
        for item in components.queryItems ?? [] {
            switch item.name {
            case "db": database = try Self.database(item.value ?? "")
            case "user": user = item.value
            case "password": password = item.value
            default: throw RedisURLError(reason: "'\(item.name)' is none of db, user, password")
            }
        }
    }

    private init(redis components: URLComponents) throws {
        guard var host = components.host, !host.isEmpty else {
            throw RedisURLError(reason: "it names no host")
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        }
        let port = components.port ?? 6379
        guard (1...65535).contains(port) else {
            throw RedisURLError(reason: "\(port) is not a port")
        }
        guard components.query == nil, components.fragment == nil else {
            throw RedisURLError(reason: "nothing may follow the database number")
        }
        let path = components.path.drop { $0 == "/" }
        self.init(
            address: .tcp(host: host, port: port),
            user: components.user.flatMap { $0.isEmpty ? nil : $0 },
            password: components.password,
            database: path.isEmpty ? 0 : try Self.database(String(path)))
    }

    private static func database(_ text: String) throws -> Int {
        guard let number = Int(text), number >= 0 else {
            throw RedisURLError(reason: "'\(text)' is not a database number")
        }
        return number
    }
}

/// A text that is not the URL of a Redis.
package struct RedisURLError: Error, Hashable, CustomStringConvertible {
    package let reason: String

    package var description: String {
        "not a Redis URL: \(reason); right are unix:/path/redis.sock?db=0 and redis://user:password@host:6379/0"
    }
}

extension RedisURL: CustomStringConvertible {
    /// The URL without its password, for logs.
    package var description: String {
        switch address {
        case .unix(let path): "unix:\(path)" + (database == 0 ? "" : "?db=\(database)")
        case .tcp(let host, let port):
            "redis://\(user.map { "\($0)@" } ?? "")\(host.contains(":") ? "[\(host)]" : host):\(port)/\(database)"
        }
    }
}
