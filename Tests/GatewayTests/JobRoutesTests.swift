// Lists of jobs, and trying again.

import AnalysisAPI
import HTTPTypes
import RPC
import Synchronization
import Testing

@testable import Gateway

@Suite struct JobRoutesTests {
    @Test(arguments: [
        ("", ListJobsRequest(userID: "demo")),
        ("?state=ended&limit=5", ListJobsRequest(userID: "demo", ended: true, limit: 5)),
        ("?state=failed&type=song", ListJobsRequest(userID: "demo", ended: true, type: .song, state: .failed)),
        ("?state=in_progress", ListJobsRequest(userID: "demo", state: .inProgress)),
        (
            "?priority=high&page_token=0%2F7%2F0-7",
            ListJobsRequest(userID: "demo", priority: .high, pageToken: "0/7/0-7")
        ),
    ])
    func jobsAreListedPageByPageAndByWhatIsAskedFor(query: String, expected: ListJobsRequest) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.listJobs = { request in
                    #expect(request == expected)
                    return ListJobsReply(
                        jobs: [Job(id: "0-1", type: .song, priority: .high, state: .pending)], nextPageToken: "0/8/0-8")
                }
            }
            let body = try await gateway.get("/api/jobs\(query)").json
            #expect(body["jobs"]?.elements.map { $0["job_id"] } == ["0-1"])
            #expect(body["next_page_token"] == "0/8/0-8" && body["success"] == true)
        }
    }

    @Test(arguments: [
        ("limit=0", "limit is '0'; a whole number from 1 to 1000 is right."),
        ("limit=many", "limit is 'many'; a whole number from 1 to 1000 is right."),
        ("type=opera", "type is 'opera'; one of song, playlist, background is right."),
        ("state=ended&state=active", "state is given 2 times; once is right."),
    ])
    func aFilterThatIsNoneIsRefusedByName(query: String, message: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let answer = try await gateway.get("/api/jobs?\(query)")
            #expect(answer.status == 400)
            #expect(try answer.json["message"] == .string(message))
        }
    }

    @Test func aJobIsTriedAgain() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.retryJob = { request in
                    #expect(request == JobRequest(userID: "demo", jobID: "0-3"))
                    return Job(id: "0-3", state: .pending)
                }
            }
            let body = try await gateway.post("/api/jobs/0-3/retry").json
            #expect(body["job"]?["status"] == "PENDING" && body["success"] == true)
            #expect(try await gateway.send("/api/jobs/0-3/retry", .post).status == 401)
        }
    }
}
