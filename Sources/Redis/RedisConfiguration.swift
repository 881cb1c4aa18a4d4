package import NIOCore

/// How a client behaves; the defaults suit a Redis on the same machine or in the same data centre.
package struct RedisConfiguration: Sendable {
    /// How the connections are called in `CLIENT LIST`. Redis allows no spaces in it.
    package var clientName: String?
    /// What every connection begins with, before any other command; one that Redis refuses ends the attempt to connect.
    package var greeting: [[RedisArgument]] = []
    /// The time a command has, from the call to its reply, including the wait for a connection. A connection that owes a reply
    /// for longer is given up.
    package var commandTimeout: Duration = .seconds(5)
    /// The time that connecting and the handshake may take together.
    package var connectTimeout: Duration = .seconds(2)
    /// By when the present caller wants to have its reply, if it says; asked once a command. When that time has come the caller
    /// gets ``RedisError/timedOut``, and nothing happens to the connection or to others.
    package var callerDeadline: @Sendable () -> NIODeadline? = { nil }
    /// How many commands may wait, for a connection while Redis is away or for replies while it is slow; more fail as
    /// unavailable at once.
    package var maximumWaitingCommands = 50_000
    /// The pause after the first failed attempt to connect; it doubles up to `maximumBackoff`.
    package var initialBackoff: Duration = .milliseconds(10)
    package var maximumBackoff: Duration = .milliseconds(500)
    /// A connection that is silent for this long is probed, and given up after as long again.
    package var keepalive: Duration = .seconds(10)
    /// The longest string that a reply may hold; Redis' own limit is 512 MiB.
    package var maximumReplyBytes = 1 << 29
    /// How many published messages may wait for a slow subscriber before its connection is closed, as Redis itself does.
    package var maximumWaitingMessages = 10_000

    package init(clientName: String? = nil) {
        self.clientName = clientName
    }
}
