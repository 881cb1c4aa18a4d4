// The serving side: listens, answers calls with the methods of its services, and drains when it is asked to stop.

package import Logging
package import NIOCore
import ServiceLifecycle

package final class RPCServer: Service, Sendable {
    package struct Configuration: Sendable {
        /// The largest message that is taken from a client.
        package var maxMessageBytes = Limits.standard.maxMessageBytes
        /// How far a client may send ahead of the handler that reads.
        package var streamCreditBytes = Limits.standard.credit
        /// Calls that a connection may have open.
        package var maxStreams = 1000
        /// How long a connection may take until it has said HELLO.
        package var helloTimeout: Duration = .seconds(10)
        /// With calls running and nothing heard for this long, the server sends a PING.
        package var keepaliveInterval: Duration = .seconds(60)
        /// How long the client has to answer a PING before the connection counts as dead.
        package var keepaliveTimeout: Duration = .seconds(20)
        /// How long accepted calls may take to finish after a graceful shutdown began; then they are cancelled.
        package var drainTimeout: Duration = .seconds(5)
        /// Whether to listen with plaintext TCP where other machines can connect.
        package var allowsRemotePlaintext = false

        package init() {}
    }

    package init(
        addresses: [RPCAddress], services: [any RPCService], eventLoopGroup: any EventLoopGroup, logger: Logger,
        configuration: Configuration = .init()
    ) {
    }

    package func run() async throws {
        throw RPCError(.unimplemented, "the server is not written yet")
    }

    /// Waits until the server listens.
    ///
    /// - Returns: its addresses in the order given, with the ports that were taken where they were given as 0.
    /// - Throws: why it could not listen.
    package func listening() async throws -> [RPCAddress] {
        throw RPCError(.unimplemented, "the server is not written yet")
    }
}
