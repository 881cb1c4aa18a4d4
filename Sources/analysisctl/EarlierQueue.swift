// The queue of the earlier Python application, as `analysisctl migrate` finds it: in its Redis, or as lines of JSON.

import AnalysisAPI
import Foundation
import Jobs

/// A job of the earlier queue that has not ended.
struct EarlierJob: Sendable {
    let id: String
    let type: JobType
    let userID: String
    /// A song or playlist; empty for background work.
    let targetID: String
    let priority: Priority
    let isRunning: Bool
    /// When it was asked for, in seconds since 1970.
    let seconds: Double
}

/// What became of an entry.
enum EarlierEntry: Sendable {
    case job(EarlierJob)
    case ended(id: String)
    /// It cannot be understood, and why.
    case damaged(id: String, String)
}

enum EarlierQueue {
    static let queueKey = "analysis_queue"
    static let jobsKey = "analysis_jobs"
    static let activeKey = "analysis_active"

    /// - Parameters:
    ///   - jobs: what is known of each job, JSON; nil: it is queued, and nothing is known.
    ///   - scores: where jobs stand in the queue: priority × 1,000,000 + seconds since 1970.
    ///   - active: the id of the job that runs.
    /// - Returns: jobs in the order in which they would have run, behind what is no job.
    static func entries(jobs: [String: Data?], scores: [String: Double], active: String?) -> [EarlierEntry] {
        var others: [EarlierEntry] = []
        var found: [EarlierJob] = []
        for (id, json) in jobs.sorted(by: { $0.key < $1.key }) {
            switch entry(id: id, json: json, score: scores[id], isActive: id == active) {
            case .job(let job): found.append(job)
            case let other: others.append(other)
            }
        }
        for id in scores.keys.sorted() where jobs[id] == nil {
            others.append(.damaged(id: id, "it is queued, and \(jobsKey) says nothing of it"))
        }
        if let active, jobs[active] == nil, scores[active] == nil {
            others.append(.damaged(id: active, "it runs, and \(jobsKey) says nothing of it"))
        }
        let ordered = found.sorted {
            let (left, right) = ($0.priority.rank ?? 0, $1.priority.rank ?? 0)
            return left == right
                ? ($0.isRunning ? 0 : 1, $0.seconds, $0.id) < ($1.isRunning ? 0 : 1, $1.seconds, $1.id) : left < right
        }
        return others + ordered.map { .job($0) }
    }

    /// The jobs of lines of JSON, by their ids; lines without one by their numbers. Of two with the same id the later counts.
    static func jobs(lines: Data) -> [String: Data?] {
        var jobs: [String: Data?] = [:]
        for (index, line) in lines.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = Data(line)
            guard line.contains(where: { !" \t\r".utf8.contains($0) }) else { continue }
            let id = (try? JSONDecoder().decode(Identity.self, from: line))?.jobID.text
            jobs[id ?? "line \(index + 1)"] = line
        }
        return jobs
    }

    private static func entry(id: String, json: Data?, score: Double?, isActive: Bool) -> EarlierEntry {
        guard let json else { return .damaged(id: id, "nothing is known of it") }
        let stored: Stored
        do {
            stored = try JSONDecoder().decode(Stored.self, from: json)
        } catch {
            return .damaged(id: id, "it is not the JSON of a job: \(reason(error))")
        }
        guard let type = types[stored.jobType] else {
            return .damaged(id: id, "job_type is '\(stored.jobType)', none of \(types.keys.sorted())")
        }
        guard let status = statuses[stored.status] else {
            return .damaged(id: id, "status is '\(stored.status)', none of \(statuses.keys.sorted())")
        }
        guard status else { return .ended(id: id) }
        let priority: Priority
        switch stored.priority {
        case 1: priority = .high
        case 2: priority = .medium
        case 3: priority = .low
        case nil: priority = .unspecified
        case let other?: return .damaged(id: id, "priority is \(other), none of 1, 2, 3")
        }
        let target = type == .background ? "" : stored.targetID?.text ?? ""
        guard type == .background || !target.isEmpty else { return .damaged(id: id, "target_id is missing") }
        let queued = score.map { $0 - Double(stored.priority ?? 0) * 1_000_000 }
        return .job(
            EarlierJob(
                id: id, type: type, userID: stored.userID.text, targetID: target,
                priority: priority == .unspecified ? type.priority : priority,
                isRunning: isActive || stored.status == "in_progress",
                seconds: stored.createdAt.flatMap { Self.seconds(iso8601: $0) } ?? queued ?? .infinity))
    }

    private static let types: [String: JobType] = [
        "song_analysis": .song, "playlist_analysis": .playlist, "background_analysis": .background,
    ]
    /// Whether a job of that status is still to be done.
    private static let statuses = [
        "pending": true, "in_progress": true, "interrupted": true, "completed": false, "failed": false,
    ]

    /// Seconds since 1970 of a time with `Z`, an offset, or none, which is UTC then; nil where it is no time.
    static func seconds(iso8601 text: String) -> Double? {
        let pattern =
            /(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(\.\d+)?(Z|([+-])(\d\d):?(\d\d))?/
        guard let match = text.wholeMatch(of: pattern) else { return nil }
        let numbers = [match.1, match.2, match.3, match.4, match.5, match.6].compactMap { Int($0) }
        guard numbers.count == 6 else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let components = DateComponents(
            year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
            second: numbers[5])
        guard components.isValidDate(in: calendar), let date = calendar.date(from: components) else { return nil }
        let fraction = match.7.flatMap { Double("0\($0)") } ?? 0
        let offset = (match.10.flatMap { Double($0) } ?? 0) * 3600 + (match.11.flatMap { Double($0) } ?? 0) * 60
        return date.timeIntervalSince1970 + fraction - (match.9 == "-" ? -offset : offset)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "\(key.stringValue) is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "\(context.codingPath.map(\.stringValue).joined(separator: ".")) is of another type"
        default: "it cannot be read"
        }
    }
}

/// An id, which the earlier application wrote as a number or as text.
private struct TextOrNumber: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        text =
            if let number = try? container.decode(Int64.self) { String(number) } else {
                try container.decode(String.self)
            }
    }
}

private struct Identity: Decodable {
    let jobID: TextOrNumber

    enum CodingKeys: String, CodingKey { case jobID = "job_id" }
}

private struct Stored: Decodable {
    let jobType: String
    let status: String
    let userID: TextOrNumber
    let targetID: TextOrNumber?
    let priority: Int?
    let createdAt: String?

    enum CodingKeys: String, CodingKey {
        case status, priority
        case jobType = "job_type"
        case userID = "user_id"
        case targetID = "target_id"
        case createdAt = "created_at"
    }
}
