// Everything that can go wrong, as one JSON shape: RFC 9457 members beside those that the existing pages read.

import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import RPC

/// A request that cannot be answered as asked.
struct GatewayError: Error, Sendable {
    var status: HTTPResponse.Status
    /// For the person at the browser: what was wrong and what would be right.
    var message: String
    var retryAfterSeconds: Int?
    var headers: HTTPFields = [:]

    static let signedOut = GatewayError(status: .unauthorized, message: "Sign in first.")
    static let wrongLogin = GatewayError(status: .unauthorized, message: "The name or the password is wrong.")
    /// The same for what does not exist and for what is someone else's.
    static let notFound = GatewayError(status: .notFound, message: "There is nothing here by that name.")

    static func badRequest(_ message: String) -> GatewayError { GatewayError(status: .badRequest, message: message) }
}

extension GatewayError {
    /// The one mapping of RPC statuses to HTTP. What the services say about the caller's own mistakes is passed on; faults of
    /// ours are described in general, and in detail only in the log.
    init(_ error: RPCError) {
        let retryAfter = error.retryAfter.map { max(1, Int($0.components.seconds)) }
        switch error.code {
        case .invalidArgument, .outOfRange: self = .badRequest(error.detail)
        case .unauthenticated: self = .signedOut
        case .permissionDenied: self.init(status: .forbidden, message: error.detail)
        case .notFound: self = .notFound
        case .alreadyExists, .aborted, .failedPrecondition: self.init(status: .conflict, message: error.detail)
        case .resourceExhausted:
            self.init(status: .tooManyRequests, message: error.detail, retryAfterSeconds: retryAfter ?? 1)
        // Whether a service is gone or stands still is the same to who asked.
        case .unavailable, .cancelled, .deadlineExceeded:
            self.init(
                status: .serviceUnavailable, message: "The analysis service is away for a moment. Please try again.",
                retryAfterSeconds: retryAfter ?? 1)
        case .unimplemented:
            self.init(status: .notImplemented, message: "The analysis service does not offer this.")
        case .ok, .unknown, .internalError, .dataLoss: self = .fault
        }
    }

    static let fault = GatewayError(
        status: .internalServerError, message: "Something went wrong here; it has been logged.")

    /// Any error that a route or Hummingbird throws.
    init(any error: any Error, request: Request) {
        switch error {
        case let error as GatewayError: self = error
        case let error as RPCError: self.init(error)
        case is CancellationError: self.init(RPCError(.cancelled, ""))
        case let error as any HTTPResponseError where error.status == .notFound:
            self.init(status: .notFound, message: "There is no \(request.method) \(request.uri.path).")
        case let error as any HTTPResponseError where error.status.code < 500:
            self.init(status: error.status, message: error.status.reasonPhrase)
        default: self = .fault
        }
    }
}

/// The body of every answer that is not a success.
struct ProblemAnswer: Answer {
    var success = false
    var status = "error"
    let error: String
    let message: String
    /// RFC 9457; the HTTP status says what kind of problem it is.
    var type = "about:blank"
    let title: String
    let detail: String
    /// The HTTP status, whose usual member `status` the contract has taken.
    let code: Int
    let requestID: String
}

/// Turns what is thrown into an answer.
struct ErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let problem = GatewayError(any: error, request: request)
            if problem.status.code >= 500 {
                context.logger.error(
                    "request failed",
                    metadata: ["method": "\(request.method)", "path": "\(request.uri.path)", "error": "\(error)"])
            }
            var headers = problem.headers
            if let seconds = problem.retryAfterSeconds { headers[.retryAfter] = String(seconds) }
            let body = ProblemAnswer(
                error: problem.message, message: problem.message, title: problem.status.reasonPhrase,
                detail: problem.message, code: problem.status.code, requestID: context.requestID)
            return JSONBody.response(encoded: try JSONBody.encode(body), status: problem.status, headers: headers)
        }
    }
}
