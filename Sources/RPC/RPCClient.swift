// The calling side: one connection to a server that comes back by itself, and the four kinds of calls on it.

package import Logging
package import NIOCore
import ServiceLifecycle

package final class RPCClient: Service, Sendable {
    package struct Configuration: Sendable {
        /// The largest message that is taken from the server.
        package var maxMessageBytes = Limits.standard.maxMessageBytes
        /// How far the server may send ahead of the reader of a stream.
        package var streamCreditBytes = Limits.standard.credit
        package var connectTimeout: Duration = .seconds(2)
        /// With calls running and nothing heard for this long, the client sends a PING.
        package var keepaliveInterval: Duration = .seconds(20)
        /// How long the server has to answer a PING before the connection counts as dead.
        package var keepaliveTimeout: Duration = .seconds(10)
        package var backoff = Backoff()
        /// How long running calls may take to finish after a graceful shutdown began.
        package var drainTimeout: Duration = .seconds(5)
        /// Whether to speak plaintext TCP to another machine.
        package var allowsRemotePlaintext = false

        package init() {}
    }

    package init(
        address: RPCAddress, eventLoopGroup: any EventLoopGroup, logger: Logger, configuration: Configuration = .init()
    ) {
    }

    package func run() async throws {
        throw RPCError(.unimplemented, "the client's connection is not written yet")
    }

    package func unary<Request, Response>(
        _ method: Method<Request, Response>, _ request: Request, options: CallOptions = .init()
    ) async throws -> Response {
        throw RPCError(.unimplemented, "the client's connection is not written yet")
    }

    package func serverStream<Request, Response>(
        _ method: Method<Request, Response>, _ request: Request, options: CallOptions = .init()
    ) -> RPCStream<Response> {
        let stream = CallStream(role: .caller, limits: .standard)
        stream.abandon(RPCError(.unimplemented, "the client's connection is not written yet"))
        return RPCStream(stream: stream)
    }

    package func clientStream<Request, Response>(
        _ method: Method<Request, Response>, options: CallOptions = .init(),
        _ body: (RPCWriter<Request>) async throws -> Void
    ) async throws -> Response {
        throw RPCError(.unimplemented, "the client's connection is not written yet")
    }

    package func bidirectional<Request, Response, Value>(
        _ method: Method<Request, Response>, options: CallOptions = .init(),
        _ body: (RPCWriter<Request>, RPCStream<Response>) async throws -> Value
    ) async throws -> Value {
        throw RPCError(.unimplemented, "the client's connection is not written yet")
    }
}
