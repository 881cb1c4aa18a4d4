// What a handler is told about its call, and what it can tell its caller beside the messages.

package import NIOCore

/// One call, as its handler sees it.
package struct CallContext: Sendable {
    /// `package.Service/Method`.
    package let method: String
    /// What the caller sent beside its messages.
    package let metadata: Metadata
    /// When the call is cancelled; nil: never. Calls that the handler makes inherit it.
    package let deadline: NIODeadline?
    package let peer: PeerIdentity
    package internal(set) var principal = Principal.everyone

    let stream: CallStream

    /// Adds to what goes out with the first message of the reply, or with the status where there is none before it.
    package func addMetadata(_ name: String, _ value: String) {
        stream.addLeading(name, Array(value.utf8))
    }

    /// Adds to what goes out with the status.
    package func addTrailer(_ name: String, _ value: String) {
        stream.addTrailer(name, Array(value.utf8))
    }

    /// Lets a drain of the server cancel this call, which its caller sees as `.unavailable` and starts again elsewhere. For
    /// streams that never end by themselves; without it a call that was accepted finishes.
    package func endsOnDrain() {
        stream.endsOnDrain()
    }
}
