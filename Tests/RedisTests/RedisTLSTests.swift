import Foundation
import Redis
import Subprocess
import TestSupport
import Testing

/// Connections over TCP: who may connect, and whom the client trusts.
@Suite(.timeLimit(.minutes(1))) struct RedisTLSTests {
    /// Certificates of an authority of the test's own, for `127.0.0.1`, gone after `body`.
    private func withCertificates(_ body: (_ folder: String) async throws -> Void) async throws {
        let folder = "/tmp/redis-tls-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = """
            set -e; cd "$1"
            new="openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
            for authority in ca other; do $new -subj "/CN=$authority" -keyout $authority.key -out $authority.crt; done
            $new -subj /CN=redis -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
                -CA ca.crt -CAkey ca.key -keyout redis.key -out redis.crt
            """
        let result = try await run(
            .name("sh"), arguments: ["-c", script, "sh", folder], output: .discarded, error: .string(limit: 65536))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
        try await body(folder)
    }

    private func start(_ folder: String, authenticatingClients: Bool) async throws -> (RedisServer, port: Int) {
        let port = try await freePorts(1)[0]
        let server = try await RedisServer.start(options: [
            "--tls-port", "\(port)", "--bind", "127.0.0.1", "--tls-cert-file", "\(folder)/redis.crt",
            "--tls-key-file", "\(folder)/redis.key", "--tls-ca-cert-file", "\(folder)/ca.crt",
            "--tls-auth-clients", authenticatingClients ? "yes" : "no",
        ])
        return (server, port)
    }

    private func whyUnavailable(_ url: String) async throws -> String {
        try await withClient(RedisURL(url)) { client in
            var reason = ""
            // A short call may end before the first handshake has.
            while reason.isEmpty || reason.hasPrefix("no connection was made") {
                do {
                    try await client.send("PING", timeout: .milliseconds(100))
                    return "connected"
                } catch RedisError.unavailable(let why) {
                    reason = why
                }
            }
            return reason
        }
    }

    @Test func aServerOfATrustedAuthorityIsSpokenToOverTLS() async throws {
        try await withCertificates { folder in
            let (server, port) = try await start(folder, authenticatingClients: false)
            try await withClient(RedisURL("rediss://127.0.0.1:\(port)/2?cacert=\(folder)/ca.crt")) { client in
                let large = [UInt8](repeating: 7, count: 1 << 20)
                try await client.send("SET", "key", large)
                let value = try await client.send("GET", "key")
                #expect(value.bytes == large)
                let info = try await client.send("CLIENT", "INFO").text ?? ""
                #expect(info.contains("db=2"))
            }
            let mistrusted = try await whyUnavailable("rediss://127.0.0.1:\(port)?cacert=\(folder)/other.crt")
            #expect(mistrusted.contains("CERTIFICATE_VERIFY_FAILED"), "\(mistrusted)")
            let unread = try await whyUnavailable("rediss://127.0.0.1:\(port)?cacert=\(folder)/none.crt")
            #expect(unread.contains("none.crt"), "\(unread)")
            await server.stop()
        }
    }

    @Test func aClientShowsTheCertificateThatRedisAsksFor() async throws {
        try await withCertificates { folder in
            let (server, port) = try await start(folder, authenticatingClients: true)
            let url = "rediss://127.0.0.1:\(port)?cacert=\(folder)/ca.crt"
            let refused = try await whyUnavailable(url)
            #expect(refused != "connected")
            try await withClient(RedisURL("\(url)&cert=\(folder)/redis.crt&key=\(folder)/redis.key")) { client in
                let pong = try await client.send("PING")
                #expect(pong.text == "PONG")
            }
            await server.stop()
        }
    }

    @Test func userPasswordAndDatabaseOfAURLAreUsedOverTCP() async throws {
        let port = try await freePorts(1)[0]
        let server = try await RedisServer.start(options: [
            "--port", "\(port)", "--bind", "127.0.0.1", "--user", "queue", "on", ">p@ss", "allkeys", "allcommands",
        ])
        try await withClient(RedisURL("redis://queue:p%40ss@127.0.0.1:\(port)/3")) { client in
            let user = try await client.send("ACL", "WHOAMI")
            #expect(user.text == "queue")
            let info = try await client.send("CLIENT", "INFO").text ?? ""
            #expect(info.contains("db=3"))
        }
        let refused = try await whyUnavailable("redis://queue:wrong@127.0.0.1:\(port)/3")
        #expect(refused.contains("WRONGPASS"), "\(refused)")
        await server.stop()
    }
}
