package import Redis

import Foundation
import Logging
import NIOPosix
import Synchronization

/// A throwaway `redis-server` on a Unix socket in a directory of its own, both gone when it is released and when the test
/// process dies, however that happens.
///
/// Most tests take ``shared()`` and keep apart by ``uniquePrefix()``; those that stop, kill or fill a server start their own.
package final class RedisServer: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private struct Running {
        let shell: Process
        /// The shell kills the server when the write end of this pipe closes, with us if need be.
        let lifeline: Pipe
        let processID: pid_t
    }

    package let directory: URL
    private let options: [String]
    private let running = Mutex<Running?>(nil)
    private static let sharedServer = Task { try await RedisServer.start() }

    private init(options: [String]) throws {
        self.options = options
        // A socket's path has at most 107 bytes, which rules out many a temporary directory.
        directory = URL(filePath: "/tmp/redis-test-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit {
        let lifeline = running.withLock { $0?.lifeline }
        try? lifeline?.fileHandleForWriting.close()
        try? FileManager.default.removeItem(at: directory)
    }

    // MARK: Starting

    /// The server that all tests of this process share. Nothing is persisted; tests use keys under ``uniquePrefix()``.
    package static func shared() async throws -> RedisServer {
        try await sharedServer.value
    }

    /// Starts a server of the test's own and waits until it serves commands.
    ///
    /// - Parameters:
    ///   - appendOnly: whether it writes an append-only file, synchronised at every write, and so survives ``kill()``.
    ///   - options: lines of `redis.conf` as arguments: `["--maxmemory", "10mb"]`.
    package static func start(appendOnly: Bool = false, options: [String] = []) async throws -> RedisServer {
        let persistence = appendOnly ? ["--appendonly", "yes", "--appendfsync", "always"] : []
        let server = try RedisServer(options: persistence + options)
        try await server.start()
        return server
    }

    /// Starts a stopped or killed server again on the same socket and data.
    package func start() async throws {
        try launch()
        do {
            try await withClient { try await $0.send("PING", timeout: .seconds(20)) }
        } catch {
            let log = (try? String(contentsOf: directory.appending(path: "redis.log"), encoding: .utf8)) ?? ""
            throw Failure(description: "redis-server does not serve commands: \(error)\n\(log.suffix(2000))")
        }
    }

    private func launch() throws {
        let shell = Process()
        let lifeline = Pipe()
        let output = Pipe()
        // No other child of this process may hold the lifeline open.
        _ = fcntl(lifeline.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = [
            "-c",
            """
            exec 3<&0
            directory=$1; shift
            redis-server "$@" </dev/null >/dev/null 3<&- & server=$!
            (cat <&3 >/dev/null; kill -9 $server; rm -rf "$directory") >/dev/null & watcher=$!
            echo $server; exec >/dev/null
            wait $server; kill -9 $watcher
            """,
            "sh", directory.path,
            "--port", "0", "--unixsocket", socketPath, "--dir", directory.path, "--logfile", "redis.log",
            "--save", "", "--daemonize", "no",
        ] + options
        shell.standardInput = lifeline
        shell.standardOutput = output
        try shell.run()
        try? lifeline.fileHandleForReading.close()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let processID = pid_t(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Failure(description: "sh did not start redis-server, is Debian's package redis-server installed?")
        }
        running.withLock { $0 = Running(shell: shell, lifeline: lifeline, processID: processID) }
    }

    // MARK: Using

    package var socketPath: String { directory.path + "/redis.sock" }

    package var url: RedisURL { RedisURL(address: .unix(path: socketPath)) }

    /// A key prefix that no other test has.
    package static func uniquePrefix() -> String {
        "test-\(UInt64.random(in: 0...UInt64.max)):"
    }

    /// Lends a running client of this server.
    package func withClient<Value: Sendable>(
        configuration: RedisConfiguration = .init(), _ body: @Sendable (RedisClient) async throws -> Value
    ) async throws -> Value {
        try await TestSupport.withClient(url, configuration: configuration, body)
    }

    // MARK: Ending, halting

    /// Ends the server as an operator would: it writes what it persists and leaves. The data stays for ``start()``.
    package func stop() {
        end(SIGTERM)
    }

    /// `kill -9`.
    package func kill() {
        end(SIGKILL)
    }

    /// Stops and starts again.
    package func restart() async throws {
        stop()
        try await start()
    }

    /// Halts the process with `SIGSTOP`: connections stay up and nothing is answered.
    package func freeze() {
        signal(SIGSTOP)
    }

    /// Goes on after ``freeze()``.
    package func thaw() {
        signal(SIGCONT)
    }

    private func signal(_ number: Int32) {
        running.withLock { running in
            if let running { _ = Glibc.kill(running.processID, number) }
        }
    }

    private func end(_ number: Int32) {
        let ended = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let ended else { return }
        _ = Glibc.kill(ended.processID, number)
        // The shell leaves when the server has; only then is the lifeline of no use.
        ended.shell.waitUntilExit()
        try? ended.lifeline.fileHandleForWriting.close()
    }
}

/// Lends a running client.
package func withClient<Value: Sendable>(
    _ url: RedisURL, configuration: RedisConfiguration = .init(),
    _ body: @Sendable (RedisClient) async throws -> Value
) async throws -> Value {
    var logger = Logger(label: "redis")
    logger.logLevel = .critical
    let client = RedisClient(
        url: url, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger, configuration: configuration)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await client.run() }
        defer { group.cancelAll() }
        return try await body(client)
    }
}
