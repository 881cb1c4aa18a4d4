// What starts analyses, row by row of the contract.

import AnalysisAPI
import RPC
import Synchronization
import Testing

@testable import Gateway

@Suite struct AnalysisRoutesTests {
    @Test(arguments: ["/api/songs/17/analyze", "/api/analyze_song/17"])
    func aClickedSongIsEnqueued(path: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let asked = Mutex<[EnqueueRequest]>([])
            gateway.queue.set {
                $0.enqueue = { request in
                    asked.withLock { $0.append(request) }
                    return EnqueueReply(job: Job(id: "0-5", state: .pending), queued: 1)
                }
            }
            let answer = try await gateway.post(path, json: "{}")
            #expect(answer.status == 200)
            #expect(
                try answer.json == [
                    "success": true, "status": "success", "message": "Song queued for analysis", "song_id": 17,
                    "job_id": "0-5",
                ])
            #expect(asked.withLock { $0 } == [EnqueueRequest(userID: "demo", type: .song, targetID: "17")])
        }
    }

    @Test func anAnalysedSongIsAnsweredAtOnceUnlessForced() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.enqueue = { request in
                    request.force ? EnqueueReply(job: Job(id: "0-6", state: .pending), queued: 1) : EnqueueReply()
                }
            }
            #expect(
                try await gateway.post("/api/songs/s1/analyze").json == [
                    "success": true, "status": "success", "message": "Already analysed", "song_id": "s1", "job_id": nil,
                ])
            #expect(try await gateway.post("/api/songs/s1/analyze", json: #"{"force":true}"#).json["job_id"] == "0-6")
        }
    }

    @Test func anUnknownSongIsNotFound() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set { $0.enqueue = { _ in throw RPCError(.notFound, "there is no song nope") } }
            let answer = try await gateway.post("/api/songs/nope/analyze")
            #expect(answer.status == 404)
            #expect(try answer.json["status"] == "error")
            #expect(try answer.json["message"] == "There is nothing here by that name.")
        }
    }

    @Test(arguments: [("analyze", false), ("analyze-unanalyzed", false), ("reanalyze-all", true)])
    func aPlaylistIsEnqueued(verb: String, force: Bool) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.enqueue = { request in
                    #expect(request == EnqueueRequest(userID: "demo", type: .playlist, targetID: "p1", force: force))
                    return EnqueueReply(job: Job(id: "0-7", state: .pending), queued: 12)
                }
            }
            #expect(
                try await gateway.post("/api/playlists/p1/\(verb)").json == [
                    "success": true, "status": "success", "message": "Queued 12 songs for analysis", "queued_count": 12,
                    "job_id": "0-7",
                ])
        }
    }

    @Test(arguments: [
        ("/api/playlists/p1/analyze", "All songs already analyzed"),
        ("/api/playlists/p1/reanalyze-all", "No songs found in playlist"),
        ("/api/analysis/background", "All songs already analyzed"),
    ])
    func whereThereIsNothingToDoNoJobIsNamed(path: String, message: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set { $0.enqueue = { _ in EnqueueReply() } }
            #expect(
                try await gateway.post(path).json == [
                    "success": true, "status": "success", "message": .string(message), "queued_count": 0,
                ])
        }
    }

    @Test func everythingIsEnqueuedAsBackgroundWork() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.enqueue = { request in
                    #expect(request == EnqueueRequest(userID: "demo", type: .background))
                    return EnqueueReply(job: Job(id: "0-8"), queued: 1)
                }
            }
            #expect(try await gateway.post("/api/analysis/background").json["message"] == "Queued 1 song for analysis")
        }
    }

    @Test func aBodyThatIsNotAsExpectedIsRefusedByName() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let answer = try await gateway.post("/api/songs/s1/analyze", json: #"{"force":"yes"}"#)
            #expect(answer.status == 400)
            #expect(try answer.json["message"] == "The member \"force\" must be of type Bool.")
            #expect(try await gateway.post("/api/songs/s1/analyze", json: "{").status == 400)
        }
    }

    @Test func identifiersInPathsArePercentDecoded() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.enqueue = { request in
                    #expect(request.targetID == "a b/ü")
                    return EnqueueReply()
                }
            }
            #expect(try await gateway.post("/api/songs/a%20b%2F%C3%BC/analyze").json["song_id"] == "a b/ü")
        }
    }
}
