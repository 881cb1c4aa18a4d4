// Whether the gateway runs, and whether what it needs answers. For supervisors: no session is asked for.

import AnalysisAPI
import HTTPTypes
import Hummingbird
import RPC

struct HealthRoutes: Sendable {
    let backend: Backend

    func add(to group: RouterGroup<GatewayContext>) {
        group.get("health/live") { _, _ in
            try JSONBody.response(HealthAnswer(status: "alive", timestamp: .now, error: nil))
        }
        group.get("health") { _, _ in try await answer(well: "healthy", badly: "unhealthy", listingChecks: false) }
        group.get("health/ready") { _, _ in try await answer(well: "ready", badly: "not ready", listingChecks: false) }
        group.get("health/detailed") { _, _ in
            try await answer(well: "healthy", badly: "unhealthy", listingChecks: true)
        }
    }

    private func answer(well: String, badly: String, listingChecks: Bool) async throws -> Response {
        async let queue = check("queue-service", backend.queueHealth)
        async let progress = check("progress-service", backend.progressHealth)
        let checks = await [queue, progress]
        let missing = checks.compactMap { check in check.error.map { "\(check.name): \($0)" } }
        let body = HealthAnswer(
            status: missing.isEmpty ? well : badly, timestamp: .now,
            error: missing.isEmpty ? nil : missing.joined(separator: "; "), checks: listingChecks ? checks : nil)
        return try JSONBody.response(
            body, status: missing.isEmpty ? .ok : .serviceUnavailable,
            headers: missing.isEmpty ? [:] : [.retryAfter: "1"])
    }

    private static let probe = CallOptions(timeout: .seconds(2), waitForReady: false)

    private func check(_ name: String, _ service: HealthClient) async -> HealthAnswer.Check {
        let began = ContinuousClock.now
        var problem: String?
        do {
            let reply = try await service.check(HealthRequest(), options: Self.probe)
            problem = reply.status == .serving ? nil : reply.reason
        } catch let error as RPCError {
            switch error.code {
            case .unavailable: problem = "away"
            case .deadlineExceeded: problem = "does not answer"
            default: problem = "fails"
            }
        } catch {
            problem = "fails"
        }
        let elapsed = began.duration(to: .now) / .milliseconds(1)
        return HealthAnswer.Check(
            name: name, status: problem == nil ? "healthy" : "unhealthy", responseMs: elapsed.roundedToTenth,
            error: problem)
    }
}
