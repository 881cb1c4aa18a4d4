// Measures our calls against a bare NIO echo and grpc-swift-2: servers in a process of their own, this one calling them in turn.
//
//   RPCBenchmark serve ours|nio|grpc SOCKET
//   RPCBenchmark measure FOLDER             where the sockets `ours`, `nio` and `grpc` are

import NIOCore

/// What crosses the wire in the unary tests.
let payload = [UInt8](repeating: 0x61, count: 120)

/// A server that answers with what it was sent, seen from this process.
protocol EchoClient: Sendable {
    /// Calls from one caller, one after another.
    /// - Returns: how long each took.
    func roundTrips(_ count: Int) async throws -> [Duration]

    /// As many calls from several callers at once.
    func calls(_ count: Int, callers: Int) async throws
}

@main
struct Main {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("serve", 3): try await serve(arguments[1], at: arguments[2])
        case ("measure", 2): try await measure(in: arguments[1])
        default: fatalError("usage: RPCBenchmark serve ours|nio|grpc SOCKET | measure FOLDER")
        }
    }

    private static func serve(_ kind: String, at path: String) async throws {
        switch kind {
        case "ours": try await OurServer.run(path: path)
        case "nio": try await NIOEcho.serve(path: path)
        case "grpc": try await GRPCEcho.serve(path: path)
        default: fatalError("'\(kind)' is none of ours, nio, grpc")
        }
    }

    private static func measure(in folder: String) async throws {
        try await withThrowingTaskGroup { group in
            let ours = OurClient(path: folder + "/ours")
            let grpc = try GRPCEcho(path: folder + "/grpc")
            group.addTask { try await ours.run() }
            group.addTask { try await grpc.run() }
            let nio = try await NIOEcho(path: folder + "/nio")
            try await report(ours: ours, nio: nio, grpc: grpc)
            group.cancelAll()
        }
    }
}
