import Foundation
import Logging
import NIOPosix
package import Redis
import Subprocess
import Synchronization

/// A throwaway `redis-server` on a Unix socket in a directory of its own, both gone when it is released and when the test
/// process dies, however that happens.
///
/// Most tests take ``shared()`` and keep apart by ``uniquePrefix()``; those that stop, kill or fill a server start their own.
package final class RedisServer: ThrowawayRedis {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private struct Running {
        let processID: pid_t
        /// Ends when the server has ended; cancelling it ends the server.
        let shell: Task<Void, Never>
    }

    private let directory: URL
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
        running.withLock { $0?.shell.cancel() }
        try? FileManager.default.removeItem(at: directory)
    }

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
        let end = try await launch()
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in end {}
                    try Task.checkCancellation()
                    throw Failure(description: "it ended")
                }
                group.addTask { _ = try await self.withClient { try await $0.send("PING", timeout: .seconds(20)) } }
                try await group.next()
                group.cancelAll()
            }
        } catch {
            let log = (try? String(contentsOf: directory.appending(path: "redis.log"), encoding: .utf8)) ?? ""
            throw Failure(description: "redis-server does not serve commands: \(error)\n\(log.suffix(2000))")
        }
    }

    /// Starts the server under a shell that kills it when its standard input ends, with the test process if need be. What is
    /// returned ends when the server has ended.
    private func launch() async throws -> AsyncStream<String> {
        let script = """
            exec 3<&0
            directory=$1; shift
            redis-server "$@" </dev/null >/dev/null 3<&- & server=$!
            (cat <&3; trap '' TERM; kill -9 $server; rm -rf "$directory") >/dev/null & watcher=$!
            echo $server
            wait $server; kill $watcher
            """
        let configuration = [
            "--port", "0", "--unixsocket", socketPath, "--dir", directory.path, "--logfile", "redis.log",
            "--save", "", "--daemonize", "no",
        ]
        let arguments = Arguments(["-c", script, "sh", directory.path] + configuration + options)
        // A signal to the test's process group must not end the shell before it has cleaned up.
        var platformOptions = PlatformOptions()
        platformOptions.processGroupID = 0
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        let shell = Task { [platformOptions] in
            defer { continuation.finish() }
            _ = try? await Subprocess.run(
                .name("sh"), arguments: arguments, platformOptions: platformOptions,
                input: .inputWriter, output: .sequence, error: .discarded
            ) { shell in
                for try await line in shell.standardOutput.strings() { continuation.yield(line) }
            }
        }
        let line = await lines.first { _ in true }
        guard let line, let processID = pid_t(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Failure(description: "/bin/sh did not start redis-server")
        }
        running.withLock { $0 = Running(processID: processID, shell: shell) }
        return lines
    }

    package var socketPath: String { directory.path + "/redis.sock" }

    package var url: RedisURL { RedisURL(address: .unix(path: socketPath)) }

    package var servers: [RedisServer] { [self] }

    /// A key prefix that no other test has.
    package static func uniquePrefix() -> String {
        "test-\(UInt64.random(in: 0...UInt64.max)):"
    }

    /// Ends the server as an operator would: it writes what it persists and leaves. The data stays for ``start()``.
    package func stop() async {
        await end(SIGTERM)
    }

    /// `kill -9`.
    package func kill() async {
        await end(SIGKILL)
    }

    /// Stops and starts again.
    package func restart() async throws {
        await stop()
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

    private func end(_ number: Int32) async {
        let ended = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let ended else { return }
        _ = Glibc.kill(ended.processID, number)
        await ended.shell.value
    }
}

/// Lends a running client of the Redis at this address.
@discardableResult
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
