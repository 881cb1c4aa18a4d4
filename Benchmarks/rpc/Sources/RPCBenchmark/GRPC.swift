import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// The same echo with grpc-swift-2 as it comes, and the same codec: none.
struct GRPCEcho: EchoClient {
    private let client: GRPCClient<HTTP2ClientTransport.Posix>

    private static let echo = MethodDescriptor(fullyQualifiedService: "benchmark.Echo", method: "Echo")

    init(path: String) throws {
        client = GRPCClient(
            transport: try .http2NIOPosix(target: .unixDomainSocket(path: path), transportSecurity: .plaintext))
    }

    /// Keeps connected until the task is cancelled.
    func run() async throws {
        try await client.runConnections()
    }

    func roundTrips(_ count: Int) async throws -> [Duration] {
        try await timed(count) { try await call() }
    }

    func calls(_ count: Int, callers: Int) async throws {
        try await withThrowingTaskGroup { group in
            for _ in 0..<callers {
                group.addTask { for _ in 0..<count / callers { try await call() } }
            }
            try await group.waitForAll()
        }
    }

    private func call() async throws {
        _ = try await client.unary(
            request: ClientRequest(message: payload), descriptor: Self.echo, serializer: Codec(), deserializer: Codec(),
            options: .defaults
        ) { try $0.message }
    }

    static func serve(path: String) async throws {
        let transport = HTTP2ServerTransport.Posix(
            address: .unixDomainSocket(path: path), transportSecurity: .plaintext)
        try await GRPCServer(transport: transport, services: [Service()]).serve()
    }

    private struct Service: RegistrableRPCService {
        func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
            router.registerHandler(forMethod: echo, deserializer: Codec(), serializer: Codec()) { request, _ in
                let request = try await ServerRequest(stream: request)
                return StreamingServerResponse(single: ServerResponse(message: request.message))
            }
        }
    }

    private struct Codec: MessageSerializer, MessageDeserializer {
        func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) -> Bytes {
            Bytes(message)
        }

        func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) -> [UInt8] {
            bytes.withUnsafeBytes { Array($0) }
        }
    }
}
