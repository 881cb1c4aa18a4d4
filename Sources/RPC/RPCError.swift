// How a call ends: gRPC's status codes, and the error that carries one.

/// gRPC's status codes with their numbers and usual meaning.
package enum StatusCode: UInt32, Sendable, CaseIterable {
    case ok = 0
    /// The caller no longer wanted the call.
    case cancelled = 1
    /// A failure that says no more; also what an unknown number is read as.
    case unknown = 2
    /// Wrong whatever the state of the system: the caller must send something else.
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    /// The caller is known and may not do this.
    case permissionDenied = 7
    /// A limit was reached: size, quota, number.
    case resourceExhausted = 8
    /// Wrong in the present state of the system: trying again helps only after something else has changed.
    case failedPrecondition = 9
    /// Lost against a concurrent change: the caller may start over.
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    /// A fault of ours.
    case internalError = 13
    /// Not now: trying the same again soon can succeed.
    case unavailable = 14
    case dataLoss = 15
    /// The caller is not known.
    case unauthenticated = 16
}

/// A call that did not succeed, on either side: handlers throw it, callers catch it.
package struct RPCError: Error, Sendable, Hashable {
    package var code: StatusCode
    /// What was wrong and what would be right, for people.
    package var detail: String
    /// Goes out with the status; on the caller's side it holds all trailing metadata.
    package var metadata: Metadata
    /// When another try can succeed; nil says nothing about it.
    package var retryAfter: Duration?

    package init(_ code: StatusCode, _ detail: String, metadata: Metadata = [:], retryAfter: Duration? = nil) {
        self.code = code
        self.detail = detail
        self.metadata = metadata
        self.retryAfter = retryAfter
    }
}

/// A domain's error that knows which status it is. Handlers may throw it as it is.
package protocol RPCErrorConvertible: Error {
    var rpcError: RPCError { get }
}

extension RPCError: CustomStringConvertible {
    package var description: String { detail.isEmpty ? "\(code)" : "\(code): \(detail)" }
}
