// Lists of jobs, page by page: a page says where each lane goes on, by the place of its last job and not by a number, so that
// what comes and goes meanwhile neither shifts nor repeats the others.

import AnalysisAPI
import Jobs
import RPC
import Redis

struct JobList: Sendable {
    let request: ListJobsRequest
    let lanes: [String]
    let store: Store

    /// How many jobs a page has where the caller does not say, and at most.
    private static let limits = (standard: 100, maximum: 1000)
    /// How many jobs of an index are read at once.
    private static let chunk = 200
    /// For how many jobs of a page's length one call looks, where the filter leaves most of them out.
    private static let chunksOfOneCall = 20

    /// Where a job stands in its index.
    private struct Place {
        let score: Int64
        let id: String

        init(score: Int64, id: String) { (self.score, self.id) = (score, id) }

        init(of job: Job, ended: Bool) {
            id = job.id
            score =
                ended
                ? job.endedAtMs
                : Int64(exactly: JobOrder.score(rank: job.priority.rank ?? 0, sequence: job.sequence)) ?? .max
        }
    }

    /// How far a lane has been listed.
    private enum Progress {
        case after(Place?)
        case done
    }

    /// - Throws: `invalidArgument` where the token is not one of an earlier page.
    func page() async throws -> ListJobsReply {
        let limit = request.limit == 0 ? Self.limits.standard : min(Int(request.limit), Self.limits.maximum)
        var progress = try decode(request.pageToken)
        var found: [Job] = []
        var ends: [String: Progress] = [:]
        for lane in lanes {
            guard case .after(let place) = progress[lane] ?? .after(nil) else { continue }
            let (jobs, end) = try await matches(in: lane, after: place, limit: limit)
            found += jobs
            ends[lane] = end
        }
        found.sort { first, second in
            request.ended
                ? (-first.endedAtMs, second.id) < (-second.endedAtMs, first.id)
                : (first.priority.rank ?? 0, first.createdAtMs, first.sequence)
                    < (second.priority.rank ?? 0, second.createdAtMs, second.sequence)
        }
        let jobs = found.prefix(limit)
        for (lane, end) in ends {
            let listed = jobs.filter { $0.lane == lane }
            if listed.count == found.count(where: { $0.lane == lane }) {
                progress[lane] = end
            } else if let last = listed.last {
                progress[lane] = .after(Place(of: last, ended: request.ended))
            }
        }
        return ListJobsReply(jobs: Array(jobs), nextPageToken: encode(progress))
    }

    /// The first jobs of a lane that fit, and how far it was looked at.
    private func matches(
        in lane: String, after place: Place?, limit: Int
    ) async throws -> (jobs: [Job], end: Progress) {
        let reader = JobReader(lane: lane, store: store)
        var jobs: [Job] = []
        var last = place
        for _ in 0..<Self.chunksOfOneCall {
            let entries = try await entries(of: lane, after: last)
            for job in try await reader.jobs(ids: entries.map(\.id)) where fits(job) {
                jobs.append(job)
                if jobs.count == limit { return (jobs, .after(Place(of: job, ended: request.ended))) }
            }
            guard let end = entries.last else { return (jobs, .done) }
            last = end
        }
        return (jobs, .after(last))
    }

    private func entries(of lane: String, after place: Place?) async throws -> [Place] {
        let user = request.userID
        let index: LaneKey =
            switch (user.isEmpty, request.ended, request.failed) {
            case (true, true, let failed): failed ? .dead : .ended
            case (true, false, _): .live
            case (false, true, let failed): failed ? .userDead : .userEnded
            case (false, false, _): .userJobs
            }
        let key = RedisArgument(store.keys.lane(lane, index, user.isEmpty ? [] : [user]))
        var entries: [Place] = []
        var offset = 0
        // Many jobs can end in one millisecond, of which some were listed.
        while true {
            let from = place.map { request.ended ? "\($0.score)" : "(\($0.score)" }
            // What ended before it was made before, too.
            let end = max(request.endedFromMs, request.fromMs)
            let range: [RedisArgument] =
                request.ended
                ? ["ZRANGE", key, RedisArgument(from ?? "+inf"), RedisArgument(end), "BYSCORE", "REV"]
                : ["ZRANGE", key, RedisArgument(from ?? "-inf"), "+inf", "BYSCORE"]
            let page: [RedisArgument] = ["LIMIT", RedisArgument(offset), RedisArgument(Self.chunk), "WITHSCORES"]
            let reply = try await store.send(range + page).elements ?? []
            for index in stride(from: 0, to: reply.count - 1, by: 2) {
                guard let id = reply[index].text,
                    let score = reply[index + 1].double.flatMap({ Int64(exactly: $0) })
                else { continue }
                if let place, score == place.score, id >= place.id { continue }
                entries.append(Place(score: score, id: id))
            }
            if !entries.isEmpty || reply.count < 2 * Self.chunk { return entries }
            offset += Self.chunk
        }
    }

    private func fits(_ job: Job) -> Bool {
        (request.type == .unspecified || job.type == request.type)
            && (request.priority == .unspecified || job.priority == request.priority)
            && (request.state == .unspecified || job.state == request.state)
            && (request.targetID.isEmpty || job.targetID == request.targetID)
            && (!request.rated || job.rating != nil)
            && (request.fromMs == 0 || job.createdAtMs >= request.fromMs)
            && (request.untilMs == 0 || job.createdAtMs < request.untilMs)
    }

    // MARK: Tokens: "<lane>/<score>/<id>" of each lane that has begun, "<lane>" of each that is done

    private func encode(_ progress: [String: Progress]) -> String {
        let isDone = lanes.allSatisfy { if case .done = progress[$0] { true } else { false } }
        guard !isDone else { return "" }
        return lanes.compactMap { lane in
            switch progress[lane] {
            case .done: lane
            case .after(let place?): "\(lane)/\(place.score)/\(place.id)"
            case .after(nil), nil: nil
            }
        }
        .joined(separator: ",")
    }

    private func decode(_ token: String) throws -> [String: Progress] {
        var progress: [String: Progress] = [:]
        for part in token.split(separator: ",") {
            let words = part.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            switch words.count {
            case 1 where lanes.contains(words[0]): progress[words[0]] = .done
            case 3 where lanes.contains(words[0]):
                guard let score = Int64(words[1]), JobID(String(words[2])) != nil else { fallthrough }
                progress[words[0]] = .after(Place(score: score, id: words[2]))
            default: throw RPCError(.invalidArgument, "page_token must be the next_page_token of an earlier page")
            }
        }
        return progress
    }
}
