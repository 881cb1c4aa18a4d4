import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

@testable import RPC

/// A message that is its bytes, so that what is measured is the call and not a codec.
struct Bytes: Message {
    var bytes: ByteBuffer

    init(_ bytes: [UInt8]) {
        self.bytes = ByteBuffer(bytes: bytes)
    }

    init(decoding bytes: ByteBuffer) {
        self.bytes = bytes
    }

    func encode(into buffer: inout ByteBuffer) {
        buffer.writeImmutableBuffer(bytes)
    }
}

private let echo = Method<Bytes, Bytes>("benchmark.Echo/Echo")
/// Answers with messages of 1 KiB, as many as the request has as its text.
private let download = Method<Bytes, Bytes>("benchmark.Echo/Download")

enum OurServer {
    static func run(path: String) async throws {
        let server = RPCServer(
            addresses: [.unix(path: path)], services: [Service()],
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() })
        try await server.run()
    }

    private struct Service: RPCService {
        var methods: [MethodHandler] {
            [
                .unary(echo) { request, _ in request },
                .serverStream(download) { request, writer, _ in
                    let message = Bytes([UInt8](repeating: 0x61, count: 1024))
                    for _ in 0..<(Int(String(buffer: request.bytes)) ?? 0) { try await writer.write(message) }
                },
            ]
        }
    }
}

struct OurClient: EchoClient {
    private let client: RPCClient

    init(path: String) {
        client = RPCClient(
            address: .unix(path: path), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Keeps connected until the task is cancelled.
    func run() async throws {
        try await client.run()
    }

    func roundTrips(_ count: Int) async throws -> [Duration] {
        try await Task(executorPreference: client.executor) {
            try await timed(count) { _ = try await client.unary(echo, Bytes(payload)) }
        }.value
    }

    func calls(_ count: Int, callers: Int) async throws {
        try await withThrowingTaskGroup { group in
            for _ in 0..<callers {
                group.addTask(executorPreference: client.executor) {
                    for _ in 0..<count / callers { _ = try await client.unary(echo, Bytes(payload)) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Reads a stream of so many messages to its end.
    func download(_ count: Int) async throws {
        try await Task(executorPreference: client.executor) {
            var received = 0
            for try await message in client.serverStream(RPCBenchmark.download, Bytes(Array("\(count)".utf8))) {
                received += message.bytes.readableBytes / 1024
            }
            guard received == count else { fatalError("\(received) of \(count) messages came") }
        }.value
    }

    /// Reads a message of a stream every 10 ms, until the task is cancelled.
    func readSlowly() async throws {
        for try await _ in client.serverStream(RPCBenchmark.download, Bytes(Array("1000000".utf8))) {
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

/// How long each of `count` runs of the body took.
func timed(_ count: Int, _ body: () async throws -> Void) async rethrows -> [Duration] {
    let clock = ContinuousClock()
    var durations: [Duration] = []
    durations.reserveCapacity(count)
    for _ in 0..<count {
        let start = clock.now
        try await body()
        durations.append(clock.now - start)
    }
    return durations
}
