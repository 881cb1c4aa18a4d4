// What a request carries through the middlewares to its route.

import AnalysisAPI
import Foundation
import Hummingbird
import Logging
import NIOCore
import RPC

/// Any request.
struct GatewayContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Whose request it is; nil where nobody is signed in.
    var session: Session?
    /// The network address that it came from, as far as it is known.
    var address: String
    /// The connection that it came by.
    let channel: any Channel
    /// With what the services are called for this request.
    var call = Backend.call
    /// Names the request in every line of the log, in its answer's `X-Request-ID` and in a problem's body.
    let requestID: String

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        address = source.channel.remoteAddress?.ipAddress ?? "local"
        requestID = source.logger[metadataKey: "hb.request.id"]?.description ?? RequestID().description
    }
}

/// A request of somebody who is signed in.
struct SignedInContext: ChildRequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection that it came by.
    let channel: any Channel
    let session: Session
    var call: CallOptions
    let address: String

    var user: User { session.user }

    /// - Throws: 401 where nobody is signed in.
    init(context: GatewayContext) throws {
        guard let session = context.session else { throw GatewayError.signedOut }
        coreContext = context.coreContext
        self.session = session
        call = context.call
        address = context.address
        channel = context.channel
    }

    /// An identifier in the path, percent-encoding undone.
    ///
    /// - Throws: 404 where it cannot be an identifier.
    func identifier(_ name: String) throws -> String {
        guard let text = parameters.get(name)?.removingPercentEncoding, (1...128).contains(text.utf8.count),
            !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f })
        else { throw GatewayError.notFound }
        return text
    }
}
