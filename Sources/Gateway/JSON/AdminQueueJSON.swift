// The queue, its workers and its days, as administrators see them.

import AnalysisAPI

struct AdminQueueAnswer: Answer {
    var success = true
    let queue: Queue

    struct Queue: Codable, Sendable {
        /// Jobs by state; those that ended, as far as they are kept.
        let counts: [String: UInt64]
        let classes: [Class]
        /// Whether more jobs than 1,000 ended within the last hour, of which the classes count the latest.
        let endedIsCut: Bool
        let running: [Running]
        /// Of the work that waits, as far as lengths are known.
        let audioSecondsWaiting: Double
        @OrNull var pause: Pause?
        @OrNull var hold: Hold?
        let breakers: [Breaker]
    }

    /// The jobs of one priority.
    struct Class: Codable, Sendable {
        let priority: String
        let waiting: UInt64
        /// When the first of those that were not begun yet was asked for.
        @OrNull var waitingSince: Timestamp?
        /// The jobs that ended within the last hour: how many, and means of how long they waited and took.
        let endedLastHour: Int
        @OrNull var waitedSeconds: Double?
        @OrNull var tookSeconds: Double?

        init(_ priority: Priority, waiting: UInt64, head: Job?, ended: [Job]) {
            self.priority = priority.contractName
            self.waiting = waiting
            waitingSince = head.flatMap { Timestamp($0.createdAtMs) }
            let ended = ended.filter { $0.priority == priority }
            endedLastHour = ended.count
            let started = ended.filter { $0.startedAtMs > 0 }
            waitedSeconds = Self.mean(started.map { $0.startedAtMs - $0.createdAtMs })
            tookSeconds = Self.mean(started.map { $0.endedAtMs - $0.startedAtMs })
        }

        private static func mean(_ spans: [Int64]) -> Double? {
            spans.isEmpty ? nil : (spans.reduce(0) { $0 + Double($1) } / Double(spans.count) / 1000).roundedToTenth
        }
    }

    struct Running: Codable, Sendable {
        let job: JobSummary
        @OrNull var progress: ProgressEntry?
    }

    struct Pause: Codable, Sendable {
        let reason: String
        @OrNull var pausedAt: Timestamp?
        /// `null`: until it is resumed.
        @OrNull var until: Timestamp?
        /// Whether what ran was frozen, too.
        let freeze: Bool

        init(_ pause: QueuePause) {
            reason = pause.reason
            pausedAt = Timestamp(pause.pausedAtMs)
            until = Timestamp(pause.untilMs)
            freeze = pause.freeze
        }
    }

    /// Why no background song is begun.
    struct Hold: Codable, Sendable {
        let reason: String
        @OrNull var until: Timestamp?
    }

    struct Breaker: Codable, Sendable {
        let analyzer: String
        let lane: String
        let songs: UInt32
        let reason: String
        @OrNull var openedAt: Timestamp?
        @OrNull var probeAt: Timestamp?
    }

    /// - Parameters:
    ///   - classes: by priority, the highest first.
    ///   - endedIsCut: as the answer tells.
    ///   - running: what runs, each with its progress where that is known.
    init(_ status: QueueStatus, classes: [Class], endedIsCut: Bool, running: [Running]) {
        queue = Queue(
            counts: [
                "pending": status.pending, "in_progress": status.inProgress, "scheduled": status.scheduled,
                "paused": status.paused, "completed": status.completed, "failed": status.failed,
                "cancelled": status.cancelled,
            ],
            classes: classes, endedIsCut: endedIsCut, running: running,
            audioSecondsWaiting: Double(status.audioMsWaiting) / 1000,
            pause: status.pause.map(Pause.init),
            hold: status.hold.map { Hold(reason: $0.reason, until: Timestamp($0.untilMs)) },
            breakers: status.breakers.map {
                Breaker(
                    analyzer: $0.analyzer, lane: $0.lane, songs: $0.songs, reason: $0.reason,
                    openedAt: Timestamp($0.openedAtMs), probeAt: Timestamp($0.probeAtMs))
            })
    }
}

struct PauseBody: Decodable, Sendable, Limited {
    /// For people.
    let reason: String
    /// Until the queue goes on by itself; without it, it waits to be resumed.
    let seconds: UInt32?
    /// Freezes what runs; otherwise the song that runs is finished.
    let freeze: Bool?

    static let limits: [String: JSONValue] = ["reason": ["minLength": 1, "maxLength": 500]]
}

/// Which jobs an operation on many is about; all, where nothing is given.
struct JobFilterBody: Decodable, Sendable {
    let user: GivenIdentifier?
    let type: TypeName?

    enum TypeName: String, Codable, CaseIterable, Sendable, Described {
        case song, playlist, background
    }

    var filter: JobFilter {
        JobFilter(
            userID: user?.text ?? "",
            type: JobType.named.first { $0.shortName == type?.rawValue } ?? .unspecified)
    }
}

/// How many jobs were changed.
struct ChangedAnswer: Answer {
    var success = true
    let message: String
    let changed: UInt64
}

struct AdminWorkersAnswer: Answer {
    var success = true
    let workers: [Worker]

    struct Worker: Codable, Sendable {
        let id: String
        let lanes: [String]
        @OrNull var connectedAt: Timestamp?
        @OrNull var lastHeartbeat: Timestamp?
        let songsAnalyzed: UInt64
        let songsFailed: UInt64
        let interruptions: UInt64
        /// Analyses that are frozen in memory.
        let suspended: UInt32
        let memoryBytes: UInt64
        let processes: [Process]
        let errors: [Problem]
        @OrNull var loadPerCore: Double?
        @OrNull var memoryAvailable: Double?
    }

    struct Process: Codable, Sendable {
        let analyzer: String
        let pid: UInt32
        let activity: String
        let frozen: Bool
        @OrNull var since: Timestamp?
        let memoryBytes: UInt64
        @OrNull var songID: Identifier?
        let fraction: Double
        @OrNull var stuckSince: Timestamp?
    }

    struct Problem: Codable, Sendable {
        @OrNull var at: Timestamp?
        let analyzer: String
        @OrNull var songID: Identifier?
        let reason: String
    }

    init(_ status: QueueStatus) {
        workers = status.workers.map { worker in
            let processes = worker.diagnostics?.processes ?? []
            return Worker(
                id: worker.id, lanes: worker.lanes, connectedAt: Timestamp(worker.connectedAtMs),
                lastHeartbeat: Timestamp(worker.heartbeatAtMs), songsAnalyzed: worker.songsAnalysed,
                songsFailed: worker.songsFailed, interruptions: worker.interruptions, suspended: worker.suspended,
                memoryBytes: processes.reduce(0) { $0 &+ $1.memoryBytes },
                processes: processes.map(Process.init),
                errors: (worker.diagnostics?.lastErrors ?? []).map {
                    Problem(
                        at: Timestamp($0.atMs), analyzer: $0.analyzer, songID: Identifier(nonEmpty: $0.songID),
                        reason: $0.reason)
                },
                loadPerCore: worker.machine?.loadPerCore, memoryAvailable: worker.machine?.memoryAvailable)
        }
    }
}

extension AdminWorkersAnswer.Process {
    fileprivate init(_ process: AnalyzerProcess) {
        self.init(
            analyzer: process.analyzer, pid: process.pid, activity: process.activity.contractName,
            frozen: process.frozen, since: Timestamp(process.sinceMs), memoryBytes: process.memoryBytes,
            songID: Identifier(nonEmpty: process.songID), fraction: process.fraction,
            stuckSince: Timestamp(process.stuckSinceMs))
    }
}

extension AnalyzerActivity {
    fileprivate var contractName: String {
        switch self {
        case .starting: "starting"
        case .idle: "idle"
        case .analyzing: "analyzing"
        case .probing: "probing"
        case .unspecified, .unrecognized: "unknown"
        }
    }
}
