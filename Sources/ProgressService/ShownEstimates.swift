// What people were told of a job, to be compared with what then came.

/// The estimates shown of one job: the first for every hundredth of it. Those between differ from them by the time that passed.
struct ShownEstimates: Hashable, Sendable {
    struct Estimate: Hashable, Sendable, Codable {
        let atMs: Int64
        let etaMs: Int64
        /// How much of the job was done.
        let fraction: Double
        /// How many songs of the job it took to be found fresh by the end; `nil` where that was not written down.
        let skips: Double?

        init(atMs: Int64, etaMs: Int64, fraction: Double, skips: Double? = nil) {
            self.atMs = atMs
            self.etaMs = etaMs
            self.fraction = fraction
            self.skips = skips
        }
    }

    /// In the order in which they were shown.
    private(set) var estimates: [Estimate] = []

    init(_ estimates: [Estimate] = []) {
        self.estimates = estimates
    }

    /// - Returns: whether it is the first of its hundredth.
    mutating func note(etaMs: Int64, fraction: Double, skips: Double, nowMs: Int64) -> Bool {
        if let last = estimates.last, Self.hundredth(fraction) <= Self.hundredth(last.fraction) { return false }
        estimates.append(Estimate(atMs: nowMs, etaMs: etaMs, fraction: fraction, skips: skips))
        return true
    }

    private static func hundredth(_ fraction: Double) -> Int { Int(fraction * 100) }
}
