// A generated client and the provider behind it meet in the method that the .proto file names.

import AnalysisAPI
import Logging
import NIOCore
import NIOPosix
import RPC
import Testing

@Suite(.timeLimit(.minutes(1))) struct ServiceTests {
    /// Answers every kind of method with what it was sent.
    private struct Mirror: WorkersProvider {
        func work(
            _ requests: RPCStream<WorkerMessage>, to writer: RPCWriter<WorkerCommand>, context: CallContext
        ) async throws {
            for try await message in requests {
                try await writer.write(WorkerCommand(command: .wake(Wake(lane: message.workerID))))
            }
        }

        func exchange(_ request: ExchangeRequest, context: CallContext) async throws -> ExchangeReply {
            ExchangeReply(assignment: Assignment(jobID: request.lane, claim: request.lease))
        }

        func findResult(_ request: FindResultRequest, context: CallContext) async throws -> FindResultReply {
            FindResultReply()
        }

        func reportProbe(_ requests: RPCStream<ProbeReport>, context: CallContext) async throws -> ProbeReportReply {
            var count = 0
            for try await _ in requests { count += 1 }
            throw RPCError(.aborted, "\(count) reports")
        }
    }

    private struct Countdown: ProgressProvider {
        func report(_ requests: RPCStream<ProgressReport>, context: CallContext) async throws -> ReportReply {
            throw RPCError(.unimplemented, "report")
        }

        func get(_ request: ProgressRequest, context: CallContext) async throws -> ProgressView {
            throw RPCError(.unimplemented, "get")
        }

        func listActive(_ request: ListActiveRequest, context: CallContext) async throws -> ListActiveReply {
            throw RPCError(.unimplemented, "listActive")
        }

        func forget(_ request: ProgressRequest, context: CallContext) async throws -> ProgressView {
            throw RPCError(.unimplemented, "forget")
        }

        func getAccuracy(_ request: AccuracyRequest, context: CallContext) async throws -> Accuracy {
            throw RPCError(.unimplemented, "getAccuracy")
        }

        func watch(_ request: WatchRequest, to writer: RPCWriter<ProgressView>, context: CallContext) async throws {
            for version in request.contexts.indices.reversed() {
                try await writer.write(ProgressView(version: UInt64(version)))
            }
        }
    }

    private func withClient(_ body: (RPCClient) async throws -> Void) async throws {
        let logger = Logger(label: "test")
        let group = MultiThreadedEventLoopGroup.singleton
        let server = RPCServer(
            addresses: [.tcp(host: "127.0.0.1", port: 0)], services: [Mirror(), Countdown()], eventLoopGroup: group,
            logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await server.run() }
            let address = try #require(try await server.listening().first)
            let client = RPCClient(address: address, eventLoopGroup: group, logger: logger)
            tasks.addTask { try await client.run() }
            try await body(client)
            tasks.cancelAll()
        }
    }

    @Test func unaryMethods() async throws {
        try await withClient { client in
            let reply = try await WorkersClient(client).exchange(ExchangeRequest(lane: "0", lease: [0, 255]))
            #expect(reply.assignment == Assignment(jobID: "0", claim: [0, 255]))
        }
    }

    @Test func methodsThatStreamReplies() async throws {
        try await withClient { client in
            var versions: [UInt64] = []
            let request = WatchRequest(contexts: Array(repeating: ProgressContext(), count: 3))
            for try await view in ProgressClient(client).watch(request) { versions.append(view.version) }
            #expect(versions == [2, 1, 0])
        }
    }

    @Test func methodsThatStreamRequests() async throws {
        try await withClient { client in
            let error = await #expect(throws: RPCError.self) {
                try await WorkersClient(client).reportProbe { writer in
                    for _ in 0..<3 { try await writer.write(ProbeReport()) }
                }
            }
            #expect(error?.code == .aborted)
            #expect(error?.detail == "3 reports")
        }
    }

    @Test func methodsThatStreamBoth() async throws {
        try await withClient { client in
            let lanes = try await WorkersClient(client).work { writer, commands in
                var lanes: [WorkerCommand.Command?] = []
                var replies = commands.makeAsyncIterator()
                for id in ["a", "b"] {
                    try await writer.write(WorkerMessage(workerID: id))
                    lanes.append(try await replies.next()?.command)
                }
                return lanes
            }
            #expect(lanes == [.wake(Wake(lane: "a")), .wake(Wake(lane: "b"))])
        }
    }
}
