import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// The client of a service, the protocol that its provider implements, and the methods that both name.
func serviceSource(_ service: ServiceDescriptor) -> String {
    let name = service.name
    let documentation = docComment(service).isEmpty ? openingComment(service.file) : docComment(service)
    return """
        \(documentation)package struct \(name)Client: Sendable {
        private let client: RPCClient

        package init(_ client: RPCClient) {
        self.client = client
        }

        \(service.methods.map(\.clientSource).joined(separator: "\n\n"))
        }

        \(documentation)package protocol \(name)Provider: RPCService {
        \(service.methods.map { docComment($0) + $0.providerDeclaration }.joined(separator: "\n"))
        }

        extension \(name)Provider {
        package var methods: [MethodHandler] {
        [
        \(service.methods.map(\.handler).joined(separator: ",\n"))
        ]
        }
        }

        private enum \(name)Methods {
        \(service.methods.map(\.declaration).joined(separator: "\n"))
        }
        """
}

extension MethodDescriptor {
    private var swiftName: String { SwiftName.method(name) }
    private var reference: String { "\(service.name)Methods.\(swiftName)" }

    fileprivate var declaration: String {
        let isIdempotent = options.idempotencyLevel != .idempotencyUnknown
        return """
            static let \(swiftName) = Method<\(inputType.name), \(outputType.name)>(
            "\(service.fullName)/\(name)", isIdempotent: \(isIdempotent))
            """
    }

    fileprivate var clientSource: String {
        let (request, response) = (inputType.name, outputType.name)
        let source =
            switch (clientStreaming, serverStreaming) {
            case (false, false):
                """
                package func \(swiftName)(_ request: \(request), options: CallOptions = .init()) async throws -> \(response) {
                try await client.unary(\(reference), request, options: options)
                }
                """
            case (false, true):
                """
                package func \(swiftName)(_ request: \(request), options: CallOptions = .init()) -> RPCStream<\(response)> {
                client.serverStream(\(reference), request, options: options)
                }
                """
            case (true, false):
                """
                package func \(swiftName)(
                options: CallOptions = .init(), _ body: (RPCWriter<\(request)>) async throws -> Void
                ) async throws -> \(response) {
                try await client.clientStream(\(reference), options: options, body)
                }
                """
            case (true, true):
                """
                package func \(swiftName)<Result>(
                options: CallOptions = .init(),
                _ body: (RPCWriter<\(request)>, RPCStream<\(response)>) async throws -> Result
                ) async throws -> Result {
                try await client.bidirectional(\(reference), options: options, body)
                }
                """
            }
        return docComment(self) + source
    }

    fileprivate var providerDeclaration: String {
        let (request, response) = (inputType.name, outputType.name)
        return switch (clientStreaming, serverStreaming) {
        case (false, false):
            "func \(swiftName)(_ request: \(request), context: CallContext) async throws -> \(response)"
        case (false, true):
            "func \(swiftName)(_ request: \(request), to writer: RPCWriter<\(response)>, context: CallContext) async throws"
        case (true, false):
            "func \(swiftName)(_ requests: RPCStream<\(request)>, context: CallContext) async throws -> \(response)"
        case (true, true):
            """
            func \(swiftName)(
            _ requests: RPCStream<\(request)>, to writer: RPCWriter<\(response)>, context: CallContext
            ) async throws
            """
        }
    }

    /// A request that names a user is answered only to those who may act for that user.
    fileprivate var handler: String {
        let check = namesUser ? "try $\(serverStreaming ? 2 : 1).require(actingFor: $0.userID)\n" : ""
        return switch (clientStreaming, serverStreaming) {
        case (false, false):
            ".unary(\(reference)) {\n\(check)return try await self.\(swiftName)($0, context: $1)\n}"
        case (false, true):
            ".serverStream(\(reference)) {\n\(check)try await self.\(swiftName)($0, to: $1, context: $2)\n}"
        case (true, false): ".clientStream(\(reference)) { try await self.\(swiftName)($0, context: $1) }"
        case (true, true): ".bidirectional(\(reference)) { try await self.\(swiftName)($0, to: $1, context: $2) }"
        }
    }

    private var namesUser: Bool {
        inputType.fields.contains { $0.name == "user_id" && $0.type == .string && !$0.isRepeated }
    }
}
