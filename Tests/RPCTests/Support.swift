// What the tests of this target share: a message, a method of each kind, a server and a client that run for one test.

import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@testable import RPC

/// UTF-8 bytes and nothing around them.
struct Text: Message, Hashable, ExpressibleByStringLiteral {
    var text: String

    init(_ text: String) { self.text = text }
    init(stringLiteral text: String) { self.text = text }

    init(decoding bytes: ByteBuffer) throws {
        guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else {
            throw RPCError(.invalidArgument, "the text is not UTF-8")
        }
        self.text = text
    }

    func encode(into buffer: inout ByteBuffer) { buffer.writeString(text) }
}

struct TestService: RPCService {
    let methods: [MethodHandler]
}

extension TestService {
    init(_ methods: MethodHandler...) { self.init(methods: methods) }
}

/// An event that happens once.
final class Event: Sendable {
    private let announcement = Announcement<Void>()
    private let happened = Mutex(false)

    var isKnown: Bool { happened.withLock { $0 } }

    func signal() {
        happened.withLock { $0 = true }
        announcement.resolve(.success(()))
    }

    /// Waits until it has happened.
    func value() async throws { try await announcement.value() }
}

let echo = Method<Text, Text>("test.Service/Echo", isIdempotent: true)
let stream = Method<Text, Text>("test.Service/Stream")
let collect = Method<Text, Text>("test.Service/Collect")
let chat = Method<Text, Text>("test.Service/Chat")
let echoHandler = MethodHandler.unary(echo) { request, _ in request }

/// A path for a socket that no other test uses.
func socketAddress() -> RPCAddress {
    .unix(path: "/tmp/rpc-test-\(UUID().uuidString.prefix(13)).sock")
}

let quiet: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
}()

/// Runs a server while `body` runs; `body` gets the address that it listens on.
@discardableResult
func withServer<Value>(
    _ service: TestService, at address: RPCAddress = socketAddress(), configuration: RPCServer.Configuration = .init(),
    _ body: (RPCAddress) async throws -> Value
) async throws -> Value {
    let server = RPCServer(
        addresses: [address], services: [service], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet,
        configuration: configuration)
    return try await running(server) { try await body(try await server.listening()[0]) }
}

@discardableResult
func withClient<Value>(
    _ address: RPCAddress, configuration: RPCClient.Configuration = .init(), _ body: (RPCClient) async throws -> Value
) async throws -> Value {
    let client = RPCClient(
        address: address, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet,
        configuration: configuration)
    return try await running(client) { try await body(client) }
}

@discardableResult
func withServerAndClient<Value>(
    _ service: TestService, at address: RPCAddress = socketAddress(), configuration: RPCServer.Configuration = .init(),
    client: RPCClient.Configuration = .init(), _ body: (RPCClient) async throws -> Value
) async throws -> Value {
    try await withServer(service, at: address, configuration: configuration) {
        try await withClient($0, configuration: client, body)
    }
}

/// Runs `service` beside `body`, cancels it when `body` is done, and waits for its end.
@discardableResult
func running<Value>(
    _ service: any Service, _ body: () async throws -> Value
) async throws -> Value {
    let task = Task { try await service.run() }
    do {
        let value = try await body()
        task.cancel()
        _ = await task.result
        return value
    } catch {
        task.cancel()
        _ = await task.result
        throw error
    }
}

/// Returns when the client has a connection, so that a short deadline measures the call alone.
func connected(_ client: RPCClient) async {
    await expectStatus(.unimplemented) { _ = try await client.unary(Method<Text, Text>("test.Service/None"), "") }
}

/// Runs `body` and expects it to fail with a status.
@discardableResult
func expectStatus(
    _ code: StatusCode, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> RPCError? {
    do {
        try await body()
        Issue.record("no error; expected \(code)", sourceLocation: sourceLocation)
        return nil
    } catch let error as RPCError {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("\(error); expected \(code)", sourceLocation: sourceLocation)
        return nil
    }
}

extension RPCStream {
    /// All messages up to the end.
    func collect() async throws -> [Element] {
        var all: [Element] = []
        for try await message in self { all.append(message) }
        return all
    }
}

/// Never returns: signals and throws when the task is cancelled.
func untilCancelled(_ cancelled: Event, started: Event = Event()) async throws -> Text {
    started.signal()
    do {
        try await Task.sleep(for: .seconds(600))
        return "never"
    } catch {
        cancelled.signal()
        throw error
    }
}

/// Something else happened than was expected.
func missed(_ expected: Comment, sourceLocation: SourceLocation = #_sourceLocation) {
    Issue.record(expected, sourceLocation: sourceLocation)
}
