// Whether the gateway runs, and whether what it needs answers. For supervisors: no session is asked for.

import AnalysisAPI
import HTTPTypes
import Hummingbird
import RPC

struct HealthRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<GatewayContext>) {
        routes.get("health/live", "Whether the gateway runs.") { _, _ in
            HealthAnswer(status: "alive", timestamp: .now, error: nil)
        }
        routes.get("health", "Whether everything that the gateway needs answers.", unavailable: HealthAnswer.self) {
            _, _ in await answer(well: "healthy", badly: "unhealthy", listingChecks: false)
        }
        routes.get(
            "health/ready", "Whether the gateway can serve, and what is missing.", unavailable: HealthAnswer.self
        ) { _, _ in await answer(well: "ready", badly: "not ready", listingChecks: false) }
        routes.get("health/detailed", "What each service says of itself.", unavailable: HealthAnswer.self) { _, _ in
            await answer(well: "healthy", badly: "unhealthy", listingChecks: true)
        }
    }

    private func answer(well: String, badly: String, listingChecks: Bool) async -> Reply<HealthAnswer> {
        async let queue = check("queue-service", backend.queueHealth)
        async let progress = check("progress-service", backend.progressHealth)
        let checks = await [queue, progress]
        let missing = checks.compactMap { check in check.error.map { "\(check.name): \($0)" } }
        let body = HealthAnswer(
            status: missing.isEmpty ? well : badly, timestamp: .now,
            error: missing.isEmpty ? nil : missing.joined(separator: "; "), checks: listingChecks ? checks : nil)
        return Reply(
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
