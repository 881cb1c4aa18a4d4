// Where a job is found. Its id names the lane that it was made in, which its user may have left since.

import Jobs
import Redis

struct JobFinder: Sendable {
    let accounts: Accounts
    let lanes: Lanes
    let store: Store

    /// Does something in the lane that a job is in, if there is such a job.
    ///
    /// - Parameter userID: whose it must be; empty: anybody's, for operators.
    /// - Throws: `QueueError.notFound` where there is certainly none, and what `body` throws.
    func inLane<Value>(
        of jobID: String, userID: String, _ body: (String) async throws -> Value
    ) async throws -> Value {
        guard let id = JobID(jobID), try await lanes.contains(id.lane) else { throw none(jobID) }
        guard userID.isEmpty else { return try await accounts.inLane(of: userID, body) }
        // While a user moves, a job is in two lanes; the account tells which one counts.
        for lane in [id.lane] + lanes.ids.filter({ $0 != id.lane }) {
            let owner = try await store.send("HGET", store.keys.lane(lane, .job, jobID), JobField.userID.rawValue).text
            if let owner { return try await accounts.inLane(of: owner, body) }
        }
        throw none(jobID)
    }

    private func none(_ jobID: String) -> QueueError { .notFound("there is no job \(jobID)") }
}
