// What every service answers beside its own methods: health and reflection, over a real socket.

import AnalysisAPI
import ArgumentParser
import Foundation
import Logging
import NIOPosix
import RPC
import Synchronization
import Testing

@testable import Daemon

@Suite(.timeLimit(.minutes(1))) struct ServingTests {
    /// What the services of a test need and do not have.
    private final class Needs: Sendable {
        let problem: Mutex<String?>

        init(_ problem: String? = nil) { self.problem = Mutex(problem) }
    }

    private func withClient(_ needs: Needs, _ body: (RPCClient) async throws -> Void) async throws {
        try await withServer(needs) { try await body($1) }
    }

    private func withServer(
        _ needs: Needs, _ body: (RPCAddress, RPCClient) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let options = try ServerOptions.parse(["--listen", "unix:/tmp/serving-\(UUID().uuidString.prefix(13)).sock"])
        let server = try options.server(
            [], health: { needs.problem.withLock { $0 } }, tls: TLSOptions.parse([]),
            DaemonContext(
                logger: logger, eventLoopGroup: group,
                metrics: MetricsCollector(process: "test", registry: MetricRegistry())))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await server.run() }
            let address = try #require(try await server.listening().first)
            let client = RPCClient(address: address, eventLoopGroup: group, logger: logger)
            tasks.addTask { try await client.run() }
            try await body(address, client)
            tasks.cancelAll()
        }
    }

    @Test func healthSaysWhatIsMissing() async throws {
        try await withClient(Needs("Redis does not answer")) { client in
            let reply = try await HealthClient(client).check(HealthRequest())
            #expect(reply == HealthReply(status: .notServing, reason: "Redis does not answer"))
        }
        try await withClient(Needs()) { client in
            let reply = try await HealthClient(client).check(HealthRequest())
            #expect(reply == HealthReply(status: .serving))
        }
    }

    @Test func healthCommandFailsWhereTheProcessCannotDoItsWorkOrDoesNotAnswer() async throws {
        let needs = Needs()
        try await withServer(needs) { address, _ in
            let arguments = ["--listen", "\(address)"]
            try await HealthCommand.parse(arguments).run()
            needs.problem.withLock { $0 = "Redis does not answer" }
            await #expect(throws: ExitCode.failure) { try await HealthCommand.parse(arguments).run() }
        }
        let nobody = ["--listen", "unix:/tmp/nobody-\(UUID().uuidString.prefix(13)).sock", "--timeout", "1"]
        await #expect(throws: ExitCode.failure) { try await HealthCommand.parse(nobody).run() }
    }

    @Test func healthOfAServiceThatIsNotHere() async throws {
        try await withClient(Needs()) { client in
            let error = await #expect(throws: RPCError.self) {
                try await HealthClient(client).check(HealthRequest(service: "analysis.v1.Elsewhere"))
            }
            #expect(error?.code == .notFound)
            let watched = try await HealthClient(client).watch(HealthRequest(service: "analysis.v1.Elsewhere")).next()
            #expect(watched?.status == .serviceUnknown)
        }
    }

    @Test func watcherIsToldEveryChange() async throws {
        let needs = Needs()
        try await withClient(needs) { client in
            let changes = HealthClient(client).watch(HealthRequest())
            var seen = [try await changes.next()]
            needs.problem.withLock { $0 = "away" }
            seen.append(try await changes.next())
            needs.problem.withLock { $0 = nil }
            seen.append(try await changes.next())
            let serving = HealthReply(status: .serving)
            #expect(seen == [serving, HealthReply(status: .notServing, reason: "away"), serving])
        }
    }

    @Test func reflectionDescribesAServiceAndAllThatItNeeds() async throws {
        try await withClient(Needs()) { client in
            let reflection = ReflectionClient(client)
            let services = try await reflection.listServices(ListServicesRequest()).services
            #expect(services == ["Health", "Metrics", "Operations", "Reflection"].map { "analysis.v1.\($0)" })
            let files = try await reflection.describeSymbol(DescribeSymbolRequest(symbol: "analysis.v1.Queue")).files
            // The name is the first field of a FileDescriptorProto.
            let names = files.map { String(decoding: $0.dropFirst(2).prefix(Int($0[1])), as: UTF8.self) }
            let needed = ["jobs", "analyzer", "metrics", "workers", "queue"].map { "analysis/v1/\($0).proto" }
            #expect(names == needed)
            let error = await #expect(throws: RPCError.self) {
                try await reflection.describeSymbol(DescribeSymbolRequest(symbol: "analysis.v1.Nothing"))
            }
            #expect(error?.code == .notFound)
        }
    }
}
