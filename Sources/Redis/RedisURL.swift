import FoundationEssentials

/// Where a Redis is and who asks.
///
/// - `unix:/path/redis.sock`, with `?db=2&user=queue&password=secret` where needed
/// - `redis://user:password@host:6379/2`; the port is 6379 and the database 0 where they are missing, and
///   `redis://:password@host` authenticates as the default user
/// - `rediss://…` is the same over TLS. Whom it trusts stands behind `?`, called as in `redis-cli`: `cacert=FILE`, and where Redis
///   asks for a client's certificate `cert=FILE&key=FILE`
/// - any of them with `?password-file=FILE` has the password in a file, which is read for every connection, so that a password
///   can be replaced while everything runs
/// - `redis://host:7000,host:7001,host:7002`: nodes of a Redis Cluster. Any one would do, for the first answer that says so makes
///   a URL's Redis a cluster; where several are named, the others are asked while the first is away
///
/// User and password are percent-encoded.
package struct RedisURL: Sendable, Hashable {
    package enum Address: Sendable, Hashable {
        case unix(path: String)
        case tcp(host: String, port: Int)
    }

    /// At least one; several are nodes of one cluster.
    package private(set) var addresses: [Address]
    package var user: String?
    package var password: String?
    /// Whose first line is the password, in place of `password`.
    package var passwordFile: String?
    package var database: Int
    /// Nil: what is sent is not encrypted.
    package var tls: RedisTLS?

    package init(
        address: Address, user: String? = nil, password: String? = nil, database: Int = 0, tls: RedisTLS? = nil
    ) {
        addresses = [address]
        self.user = user
        self.password = password
        self.database = database
        self.tls = tls
    }

    /// - Throws: ``RedisURLError``, which says what is wrong without repeating a password.
    package init(_ text: String) throws {
        let authority = text.firstRange(of: "://").map { text[$0.upperBound...].prefix { $0 != "/" && $0 != "?" } }
        let hosts = authority.map { $0[($0.lastIndex(of: "@").map($0.index(after:)) ?? $0.startIndex)...] } ?? ""
        guard hosts.contains(",") else {
            try self.init(single: text)
            return
        }
        let urls = try hosts.split(separator: ",", omittingEmptySubsequences: false).map { host in
            try RedisURL(single: text[..<hosts.startIndex] + host + text[hosts.endIndex...])
        }
        self = urls[0]
        addresses = urls.flatMap(\.addresses)
    }

    private init(single text: some StringProtocol) throws {
        guard let components = URLComponents(string: String(text)) else {
            throw RedisURLError(reason: "it is not a URL")
        }
        switch components.scheme {
        case "unix": try self.init(unix: components)
        case "redis": try self.init(tcp: components, tls: nil)
        case "rediss": try self.init(tcp: components, tls: RedisTLS())
        default: throw RedisURLError(reason: "it begins with none of unix:, redis://, rediss://")
        }
        guard password == nil || passwordFile == nil else {
            throw RedisURLError(reason: "password and password-file are both given")
        }
        if user != nil, password == nil, passwordFile == nil {
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
            case "password-file": passwordFile = item.value
            default: throw RedisURLError(reason: "'\(item.name)' is none of db, user, password, password-file")
            }
        }
    }

    private init(tcp components: URLComponents, tls: RedisTLS?) throws {
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
        guard components.fragment == nil else {
            throw RedisURLError(reason: "nothing may follow the database number but what begins with ?")
        }
        let path = components.path.drop { $0 == "/" }
        self.init(
            address: .tcp(host: host, port: port),
            user: components.user.flatMap { $0.isEmpty ? nil : $0 },
            password: components.password,
            database: path.isEmpty ? 0 : try Self.database(String(path)), tls: tls)
        for item in components.queryItems ?? [] {
            switch item.name {
            case "password-file": passwordFile = item.value
            case "cacert" where tls != nil: self.tls?.authorities = item.value
            case "cert" where tls != nil: self.tls?.certificate = item.value
            case "key" where tls != nil: self.tls?.key = item.value
            default:
                let known = tls == nil ? "not password-file" : "none of password-file, cacert, cert, key"
                throw RedisURLError(reason: "'\(item.name)' is \(known)")
            }
        }
        guard (self.tls?.certificate == nil) == (self.tls?.key == nil) else {
            throw RedisURLError(reason: "cert and key go together")
        }
    }

    private static func database(_ text: String) throws -> Int {
        guard let number = Int(text), number >= 0 else {
            throw RedisURLError(reason: "'\(text)' is not a database number")
        }
        return number
    }
}

extension RedisURL {
    /// What to authenticate with now; nil: nothing is asked for.
    ///
    /// - Throws: ``RedisError/unavailable(_:)`` where the file of the password cannot be read or is empty.
    func currentPassword() throws -> String? {
        guard let passwordFile else { return password }
        guard let data = FileManager.default.contents(atPath: passwordFile) else {
            throw RedisError.unavailable("the password's file \(passwordFile) cannot be read")
        }
        let line = String(decoding: data, as: UTF8.self).prefix { !$0.isNewline }
        guard !line.isEmpty else { throw RedisError.unavailable("the password's file \(passwordFile) is empty") }
        return String(line)
    }
}

/// A text that is not the URL of a Redis.
package struct RedisURLError: Error, Hashable, CustomStringConvertible {
    package let reason: String

    package var description: String {
        "not a Redis URL: \(reason); right are unix:/path/redis.sock?db=0, redis://user:password@host:6379/0 and"
            + " rediss://host:6379/0?cacert=FILE"
    }
}

extension RedisURL: CustomStringConvertible {
    /// The URL without its password, for logs.
    package var description: String {
        let places = addresses.map(\.description).joined(separator: ",")
        if case .unix? = addresses.first { return "unix:\(places)" + (database == 0 ? "" : "?db=\(database)") }
        return "\(tls == nil ? "redis" : "rediss")://\(user.map { "\($0)@" } ?? "")\(places)/\(database)"
    }
}

extension RedisURL.Address: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unix(let path): path
        case .tcp(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        }
    }
}
