// One song: the state of its analysis, and what the analysis found.

import AnalysisAPI
import Foundation

/// The members of results that the existing pages draw, from the first analyzer that returned each.
struct Review: Sendable {
    var score: JSONValue?
    var concernLevel: JSONValue?
    var themes: [JSONValue] = []
    var explanation: JSONValue?
    var concerns: [JSONValue] = []
    var createdAtMs: Int64 = 0

    private struct Members: Decodable {
        var score: JSONValue?
        var concernLevel: JSONValue?
        var themes: JSONValue?
        var explanation: JSONValue?
        var concerns: JSONValue?
    }

    init(_ results: [AnalysisResult]) {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        for result in results {
            createdAtMs = max(createdAtMs, result.createdAtMs)
            guard let members = try? decoder.decode(Members.self, from: Data(result.json)) else { continue }
            score = score ?? members.score
            concernLevel = concernLevel ?? members.concernLevel
            explanation = explanation ?? members.explanation
            if themes.isEmpty { themes = members.themes?.elements ?? [] }
            if concerns.isEmpty { concerns = members.concerns?.elements ?? [] }
        }
    }
}

/// `GET /api/song/{id}/analysis`.
struct SongAnalysisAnswer: Answer {
    let song: SongJSON
    @OrNull var analysis: Analysis?

    struct SongJSON: Codable, Sendable {
        let id: Identifier
        let name: String
        let artist: String
        let album: String
        @OrNull var durationMs: UInt64?
        @OrNull var location: String?
        @OrNull var addedAt: Timestamp?
        let attributes: [String: String]
    }

    struct Analysis: Codable, Sendable {
        let status: String
        @OrNull var score: JSONValue?
        @OrNull var concernLevel: JSONValue?
        let themes: [JSONValue]
        @OrNull var explanation: JSONValue?
        /// What the `audio` analyzer found, as it wrote it; `null` where it has not run.
        @OrNull var analysisDetails: RawJSON?
        @OrNull var createdAt: Timestamp?
        let concerns: [JSONValue]
        @OrNull var failure: String?
        let furtherResults: [Result]
        let twins: [Twin]
    }

    /// Another song that sounds the same, in another encoding or loudness.
    struct Twin: Codable, Sendable {
        let id: Identifier
        let name: String
        let artist: String
        let album: String
        /// Of the acoustic fingerprints, 0 to 0.15.
        let bitErrorRate: Double
        /// The very same samples.
        let identical: Bool
    }

    /// The result of an analyzer other than `audio`.
    struct Result: Codable, Sendable {
        let analyzer: String
        let version: String
        let tookMs: UInt64
        @OrNull var createdAt: Timestamp?
        @OrNull var details: RawJSON?
    }

    init(_ detail: SongDetail) {
        let summary = detail.summary ?? SongSummary()
        let song = summary.song ?? Song()
        self.song = SongJSON(
            id: Identifier(song.id), name: song.title, artist: song.artist, album: song.album,
            durationMs: song.durationMs, location: song.location.isEmpty ? nil : song.location,
            addedAt: Timestamp(song.addedAtMs),
            attributes: Dictionary(song.attributes.map { ($0.name, $0.value) }) { _, last in last })
        guard !detail.results.isEmpty || summary.state == .failed else {
            analysis = nil
            return
        }
        let review = Review(detail.results)
        let audio = detail.results.first { $0.analyzer?.name == "audio" }
        analysis = Analysis(
            status: summary.state.contractName, score: review.score, concernLevel: review.concernLevel,
            themes: review.themes, explanation: review.explanation,
            analysisDetails: audio.flatMap { RawJSON(object: $0.json) },
            createdAt: Timestamp(review.createdAtMs) ?? Timestamp(summary.analysedAtMs), concerns: review.concerns,
            failure: summary.failure.isEmpty ? nil : summary.failure,
            furtherResults: detail.results.filter { $0.analyzer?.name != "audio" }.map { result in
                Result(
                    analyzer: result.analyzer?.name ?? "", version: result.analyzer?.version ?? "",
                    tookMs: result.tookMs, createdAt: Timestamp(result.createdAtMs),
                    details: RawJSON(object: result.json))
            },
            twins: detail.twins.map { twin in
                let song = twin.song ?? Song()
                return Twin(
                    id: Identifier(song.id), name: song.title, artist: song.artist, album: song.album,
                    bitErrorRate: twin.bitErrorRate, identical: twin.identical)
            })
    }
}

/// `GET /api/songs/{id}/analysis-status`, one of its three shapes.
enum SongStatusAnswer: PolledAnswer, Described {
    case completed(Completed)
    case active(Active)
    case ended(Ended)

    var pace: PollPace {
        if case .active(let answer) = self, answer.jobID != nil {
            answer.progress > 0 ? .running : .waiting
        } else {
            .idle
        }
    }

    init(from decoder: any Decoder) throws {
        if let answer = try? Completed(from: decoder) {
            self = .completed(answer)
        } else if let answer = try? Ended(from: decoder) {
            self = .ended(answer)
        } else {
            self = .active(try Active(from: decoder))
        }
    }

    static func schema(in schemas: inout Schemas) -> JSONValue {
        [
            "anyOf": [
                schemas.schema(of: Completed.self), schemas.schema(of: Active.self), schemas.schema(of: Ended.self),
            ]
        ]
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .completed(let answer): try answer.encode(to: encoder)
        case .active(let answer): try answer.encode(to: encoder)
        case .ended(let answer): try answer.encode(to: encoder)
        }
    }

    struct Completed: Codable, Sendable {
        var success = true
        var completed = true
        var hasAnalysis = true
        var status = "completed"
        var progress = 100
        var stage = "Analysis complete"
        var message = "Analysis completed"
        @OrNull var score: JSONValue?
        @OrNull var concernLevel: JSONValue?
        let result: Result
        let analysis: Result

        struct Result: Codable, Sendable {
            /// A song has one current analysis, which goes by the song's own identifier.
            let id: Identifier
            @OrNull var score: JSONValue?
            @OrNull var concernLevel: JSONValue?
            var status = "completed"
            let themes: [JSONValue]
            @OrNull var explanation: JSONValue?
            @OrNull var createdAt: Timestamp?
        }
    }

    /// Waits, runs, or was never asked for.
    struct Active: Codable, Sendable {
        var success = true
        var completed = false
        var hasAnalysis = false
        var status = "pending"
        /// 0 to 99.
        let progress: Int
        let stage: String
        let message: String
        @OrNull var jobID: String?
        @OrNull var etaSeconds: Double?
    }

    /// Failed or cancelled.
    struct Ended: Codable, Sendable {
        var success = false
        var completed = true
        var failed = true
        var hasAnalysis = false
        let status: String
        var progress = 0
        let stage: String
        let error: String
        let message: String
    }
}

extension SongStatusAnswer {
    static func completed(_ detail: SongDetail, songID: String) -> SongStatusAnswer {
        let review = Review(detail.results)
        let result = Completed.Result(
            id: Identifier(songID), score: review.score, concernLevel: review.concernLevel, themes: review.themes,
            explanation: review.explanation,
            createdAt: Timestamp(review.createdAtMs) ?? Timestamp(detail.summary?.analysedAtMs ?? 0))
        return .completed(
            Completed(score: review.score, concernLevel: review.concernLevel, result: result, analysis: result))
    }

    /// - Parameter fraction: of the song, 0 to 1.
    static func active(_ job: Job, fraction: Double, entry: ProgressEntry?) -> SongStatusAnswer {
        let runs = job.state == .inProgress
        let stage = entry.flatMap { runs && !$0.stage.isEmpty ? $0.stage : nil } ?? (runs ? "Analysing" : "Waiting")
        return .active(
            Active(
                progress: min(99, max(0, Int(fraction * 100))), stage: stage,
                message: entry?.message ?? (runs ? "Analysis in progress" : "Waiting to start"), jobID: job.id,
                etaSeconds: entry?.etaSeconds))
    }

    static let neverAsked = SongStatusAnswer.active(
        Active(progress: 0, stage: "Not started", message: "Analysis not started", jobID: nil, etaSeconds: nil))

    static func failed(reason: String) -> SongStatusAnswer {
        let text = reason.isEmpty ? "Analysis failed" : reason
        return .ended(Ended(status: "failed", stage: "Analysis failed", error: text, message: text))
    }

    static let cancelled = SongStatusAnswer.ended(
        Ended(
            status: "cancelled", stage: "Analysis cancelled", error: "The analysis was cancelled",
            message: "The analysis was cancelled"))
}
