// What the analyses of the whole library found.

import AnalysisAPI
import Hummingbird

struct InsightsRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get(
            "library/insights",
            "How the tempos, the keys and the loudness of the library are spread, and how it came to be analysed."
        ) { _, context in
            let userID = context.user.id
            async let coverage = backend.catalog.getCoverage(CoverageRequest(userID: userID), options: context.call)
            let insights = try await backend.catalog.getInsights(UserRequest(userID: userID), options: context.call)
            return InsightsAnswer(insights, coverage: try await coverage)
        }
    }
}
