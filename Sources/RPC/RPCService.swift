// What a server serves: services made of methods, each with the code that answers it.

import NIOCore

/// A service: generated protocols refine it and list the methods.
package protocol RPCService: Sendable {
    var methods: [MethodHandler] { get }
}

/// A method and the code that answers its calls.
///
/// Handlers run as a task on the event loop of their connection: a short one answers without a thread hop, and one that computes
/// for long must do so elsewhere. The task is cancelled when the caller cancels or goes away and when the deadline
/// passes. What it throws becomes the status: `RPCError` as it is, `RPCErrorConvertible` through its `rpcError`, anything else as
/// `.unknown`, with the error itself only in the log.
package struct MethodHandler: Sendable {
    /// `package.Service/Method`.
    package let name: String
    /// Answers a call; what it returns goes out with the status.
    let answer: @Sendable (CallStream, CallContext) async throws -> ByteBuffer?
    let metrics: CallMetrics

    private init(
        name: String, isStream: Bool = false,
        answer: @escaping @Sendable (CallStream, CallContext) async throws -> ByteBuffer?
    ) {
        self.name = name
        self.answer = answer
        metrics = CallMetrics(.server, method: name, isStream: isStream)
    }

    package static func unary<Request, Response>(
        _ method: Method<Request, Response>,
        _ handler: @escaping @Sendable (Request, CallContext) async throws -> Response
    ) -> MethodHandler {
        MethodHandler(name: method.name) { stream, context in
            try await handler(try await onlyMessage(of: stream), context).encoded()
        }
    }

    package static func serverStream<Request, Response>(
        _ method: Method<Request, Response>,
        _ handler: @escaping @Sendable (Request, RPCWriter<Response>, CallContext) async throws -> Void
    ) -> MethodHandler {
        MethodHandler(name: method.name, isStream: true) { stream, context in
            try await handler(try await onlyMessage(of: stream), RPCWriter(stream: stream), context)
            return nil
        }
    }

    package static func clientStream<Request, Response>(
        _ method: Method<Request, Response>,
        _ handler: @escaping @Sendable (RPCStream<Request>, CallContext) async throws -> Response
    ) -> MethodHandler {
        MethodHandler(name: method.name, isStream: true) { stream, context in
            try await handler(RPCStream(stream: stream), context).encoded()
        }
    }

    package static func bidirectional<Request, Response>(
        _ method: Method<Request, Response>,
        _ handler: @escaping @Sendable (RPCStream<Request>, RPCWriter<Response>, CallContext) async throws -> Void
    ) -> MethodHandler {
        MethodHandler(name: method.name, isStream: true) { stream, context in
            try await handler(RPCStream(stream: stream), RPCWriter(stream: stream), context)
            return nil
        }
    }

    private static func onlyMessage<Request: Message>(of stream: CallStream) async throws -> Request {
        guard let bytes = try await stream.next() else {
            throw RPCError(.invalidArgument, "the call ended without its request")
        }
        guard try await stream.next() == nil else {
            throw RPCError(.invalidArgument, "the call has more than one request; the method takes one")
        }
        stream.holdRequest(bytes)
        return try Request(decoding: bytes)
    }
}
