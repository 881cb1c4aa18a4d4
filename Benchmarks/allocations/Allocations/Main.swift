// Prints how many allocations a call and a command cost. Both ends of the call are in this process, and so are counted together.
//
//   Allocations FOLDER    in which Redis listens on `redis.sock`, and the call's socket is made

import AnalysisAPI
import CCountingMalloc
import Daemon
import Logging
import Metrics
import NIOCore
import NIOPosix
import RPC
import Redis

@main
struct Main {
    static func main() async throws {
        guard CommandLine.arguments.count == 2 else { fatalError("usage: Allocations FOLDER") }
        let folder = CommandLine.arguments[1]
        // Measured as in a service: what is recorded must allocate nothing.
        MetricsSystem.bootstrap(MetricRegistry())
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try await countCalls(path: folder + "/echo.sock", group)
        try await countCommands(path: folder + "/redis.sock", group)
    }

    private static func countCalls(path: String, _ group: any EventLoopGroup) async throws {
        let logger = Logger(label: "allocations") { _ in SwiftLogNoOpLogHandler() }
        let server = RPCServer(
            addresses: [.unix(path: path)], services: [Echo()], eventLoopGroup: group, logger: logger)
        let client = RPCClient(address: .unix(path: path), eventLoopGroup: group, logger: logger)
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await server.run() }
            tasks.addTask { try await client.run() }
            _ = try await server.listening()
            let message = Attribute(name: "lyrics", value: String(repeating: "a", count: 108))
            try await Task(executorPreference: client.executor) {
                try await report("unary-call", count: 2000) { _ = try await client.unary(Echo.echo, message) }
                let stream = client.serverStream(Echo.repeated, message)
                try await report("streamed-message", count: 2000) { _ = try await stream.next() }
            }.value
            tasks.cancelAll()
        }
    }

    private static func countCommands(path: String, _ group: any EventLoopGroup) async throws {
        let client = RedisClient(
            url: try RedisURL("unix:" + path), eventLoopGroup: group,
            logger: Logger(label: "allocations") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await client.run() }
            try await report("redis-command", count: 2000) { try await client.send("SET", "key", "value") }
            tasks.cancelAll()
        }
    }

    /// Runs the body to warm up, then counts.
    private static func report(_ name: String, count: Int, _ body: () async throws -> Void) async throws {
        for _ in 0..<count { try await body() }
        let before = allocation_count()
        for _ in 0..<count { try await body() }
        let perRun = Double(allocation_count() - before) / Double(count)
        print(name, (perRun * 10).rounded() / 10)
    }
}

private struct Echo: RPCService {
    static let echo = Method<Attribute, Attribute>("allocations.Echo/Echo")
    static let repeated = Method<Attribute, Attribute>("allocations.Echo/Repeat")

    var methods: [MethodHandler] {
        [
            .unary(Self.echo) { request, _ in request },
            .serverStream(Self.repeated) { request, writer, _ in while true { try await writer.write(request) } },
        ]
    }
}
