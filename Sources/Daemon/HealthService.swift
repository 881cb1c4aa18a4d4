// Tells whether what a process serves can do its work.

package import AnalysisAPI
package import RPC

package struct HealthService: HealthProvider {
    /// Looks whether what the services need is there. Returns what is missing, for people; nil: nothing.
    package typealias Check = @Sendable () async -> String?

    static let names = ["analysis.v1.Health"]
    /// How often a watched service is looked at.
    private static let interval = Duration.seconds(1)

    private let serviceNames: [String]
    private let checkNeeds: Check

    /// - Parameters:
    ///   - serviceNames: the services of the process, by their full names.
    ///   - check: looks at what all of them need.
    package init(serviceNames: [String], check: @escaping Check) {
        self.serviceNames = serviceNames
        checkNeeds = check
    }

    package func check(_ request: HealthRequest, context: CallContext) async throws -> HealthReply {
        let reply = await reply(request.service)
        guard reply.status != .serviceUnknown else {
            throw RPCError(
                .notFound,
                "there is no service '\(request.service)' here; there is \(serviceNames.joined(separator: ", "))")
        }
        return reply
    }

    package func watch(
        _ request: HealthRequest, to writer: RPCWriter<HealthReply>, context: CallContext
    ) async throws {
        context.endsOnDrain()
        var last: HealthReply?
        while true {
            let reply = await reply(request.service)
            if reply != last { try await writer.write(reply) }
            last = reply
            try await Task.sleep(for: Self.interval)
        }
    }

    private func reply(_ service: String) async -> HealthReply {
        guard service.isEmpty || serviceNames.contains(service) else { return HealthReply(status: .serviceUnknown) }
        let reason = await checkNeeds()
        return HealthReply(status: reason == nil ? .serving : .notServing, reason: reason ?? "")
    }
}
