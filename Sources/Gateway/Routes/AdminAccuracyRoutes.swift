// How true the estimates were, for administrators.

import AnalysisAPI
import Hummingbird

struct AdminAccuracyRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get(
            "admin/eta-accuracy", "How true the estimates of the last days were, by how much of the job was done.",
            query: [QueryParameter("days", .integer(1...90), "today included; 7, if left out")]
        ) { request, context in
            let days = request.query("days").flatMap { UInt32($0) } ?? 0
            return AccuracyAnswer(
                try await backend.progress.getAccuracy(AccuracyRequest(days: days), options: context.call))
        }
    }
}

/// `GET /api/admin/eta-accuracy`.
struct AccuracyAnswer: Answer {
    var success = true
    /// By tenths of the job.
    let byFraction: [Band]
    /// What the target is about: within 20 % or 2 s for nine in ten, and within 7 % for half.
    @OrNull var fromFirstTenth: Band?

    struct Band: Codable, Sendable {
        /// How much of the job was done when the estimates were shown.
        let from: Double
        let to: Double
        let estimates: UInt64
        /// Against the time taken less displacement and pauses that began after the estimate.
        @OrNull var adjusted: Errors?
        /// Against the time taken.
        @OrNull var unadjusted: Errors?

        init(_ band: AccuracyByFraction) {
            from = band.from
            to = band.to
            estimates = band.estimates
            adjusted = band.adjusted.map(Errors.init)
            unadjusted = band.unadjusted.map(Errors.init)
        }
    }

    /// Shares of the time taken.
    struct Errors: Codable, Sendable {
        /// Signed; above 0: it took less than estimated.
        let median: Double
        let medianAbsolute: Double
        /// Nine in ten are below.
        let p90Absolute: Double
        /// The share of estimates within 20 % or 2 s.
        let withinTarget: Double

        init(_ errors: EstimateErrors) {
            median = errors.median
            medianAbsolute = errors.medianAbsolute
            p90Absolute = errors.p90Absolute
            withinTarget = errors.withinTarget
        }
    }

    init(_ accuracy: Accuracy) {
        byFraction = accuracy.byFraction.map(Band.init)
        fromFirstTenth = accuracy.fromFirstTenth.map(Band.init)
    }
}
