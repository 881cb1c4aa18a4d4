// Jobs, the queue and its workers, as the contract shows them.

import AnalysisAPI

struct JobJSON: Codable, Sendable {
    let jobID: String
    let status: String
    let jobType: String
    let priority: String
    @OrNull var createdAt: Timestamp?
    @OrNull var startedAt: Timestamp?
    @OrNull var endedAt: Timestamp?
    @OrNull var targetID: Identifier?
    @OrNull var error: String?
    let metadata: Metadata

    /// What the job has done so far, in songs.
    struct Metadata: Codable, Sendable {
        let totalSongs: UInt32
        let analyzedSongs: UInt32
        let skippedSongs: UInt32
        let failedSongs: UInt32
        let force: Bool
        let failures: [Failure]
    }

    struct Failure: Codable, Sendable {
        let songID: Identifier
        let reason: String
    }

    /// Why a job failed; one that goes on has only failures of songs.
    static func reason(of job: Job) -> String? {
        job.state == .failed && !job.error.isEmpty ? job.error : nil
    }

    init(_ job: Job) {
        jobID = job.id
        status = job.state.contractName.uppercased()
        jobType = job.type.contractName.uppercased()
        priority = job.priority.contractName.uppercased()
        createdAt = Timestamp(job.createdAtMs)
        startedAt = Timestamp(job.startedAtMs)
        endedAt = Timestamp(job.endedAtMs)
        targetID = Identifier(nonEmpty: job.targetID)
        error = Self.reason(of: job)
        metadata = Metadata(
            totalSongs: job.total, analyzedSongs: job.analysed, skippedSongs: job.skipped, failedSongs: job.failed,
            force: job.force,
            failures: job.failures.map { Failure(songID: Identifier($0.songID), reason: $0.reason) })
    }
}

/// `GET /api/jobs/{job_id}/status`: the job with its progress beside its own members.
struct JobStatusAnswer: PolledAnswer {
    var status = "success"
    let job: JobWithProgress
    var pace: PollPace { PollPace(status: job.job.status) }

    struct JobWithProgress: Codable, Sendable {
        let job: JobJSON
        let progress: ProgressEntry

        init(job: JobJSON, progress: ProgressEntry) {
            self.job = job
            self.progress = progress
        }

        init(from decoder: any Decoder) throws {
            job = try JobJSON(from: decoder)
            progress = try decoder.container(keyedBy: Key.self).decode(ProgressEntry.self, forKey: .progress)
        }

        func encode(to encoder: any Encoder) throws {
            try job.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(progress, forKey: .progress)
        }
        enum Key: CodingKey { case progress }
    }
}

/// `GET /api/jobs`: a page of the user's jobs.
struct JobsAnswer: Answer {
    var success = true
    let jobs: [JobJSON]
    /// Asks for the next page; `null`: this was the last.
    @OrNull var nextPageToken: String?

    init(_ reply: ListJobsReply) {
        jobs = reply.jobs.map(JobJSON.init)
        nextPageToken = reply.nextPageToken.isEmpty ? nil : reply.nextPageToken
    }
}

/// The answer to what changes a job.
struct JobAnswer: Answer {
    var success = true
    var status = "success"
    let message: String
    let job: JobJSON
}

struct QueueStatusAnswer: PolledAnswer {
    var status = "success"
    let queue: Queue
    var pace: PollPace { queue.inProgressJobs > 0 ? .running : queue.pendingJobs > 0 ? .waiting : .idle }

    struct Queue: Codable, Sendable {
        let totalJobs: UInt64
        let pendingJobs: UInt64
        let inProgressJobs: UInt64
        let completedJobs: UInt64
        let failedJobs: UInt64
        let cancelledJobs: UInt64
        let pausedJobs: UInt64
        /// Of the jobs that wait, by class.
        let priorityBreakdown: [String: UInt64]
        @OrNull var estimatedCompletionMinutes: Double?
        @OrNull var activeJob: JobJSON?
    }

    /// - Parameter etaMs: when the asker's own work will be done; of others' there is no estimate to tell.
    init(_ queue: QueueStatus, etaMs: UInt64?) {
        self.queue = Queue(
            totalJobs: queue.pending + queue.scheduled + queue.inProgress + queue.paused + queue.completed
                + queue.failed + queue.cancelled,
            pendingJobs: queue.pending, inProgressJobs: queue.inProgress, completedJobs: queue.completed,
            failedJobs: queue.failed, cancelledJobs: queue.cancelled, pausedJobs: queue.paused,
            priorityBreakdown: ["HIGH": queue.waitingHigh, "MEDIUM": queue.waitingMedium, "LOW": queue.waitingLow],
            estimatedCompletionMinutes: etaMs.map { (Double($0) / 60_000).roundedToTenth },
            activeJob: queue.running.first.map(JobJSON.init))
    }
}

/// `GET /api/queue/health`; the queue answers only where it reaches Redis, so the two go together.
struct QueueHealthAnswer: Answer {
    let status: String
    let queueHealth: Health

    struct Health: Codable, Sendable {
        let redisConnected: Bool
        let queueAccessible: Bool
        @OrNull var error: String?
        let timestamp: Timestamp
    }

    init(error: String?) {
        status = error == nil ? "success" : "error"
        queueHealth = Health(
            redisConnected: error == nil, queueAccessible: error == nil, error: error, timestamp: .now)
    }
}

/// `GET /api/worker/health`: all workers together, then each.
struct WorkerHealthAnswer: Answer {
    var status = "success"
    let worker: Worker
    let workers: [Worker]

    struct Worker: Codable, Sendable {
        @OrNull var id: String?
        /// `running`, `idle` or `offline`.
        let status: String
        let uptimeSeconds: Double
        let jobsProcessed: UInt64
        let jobsFailed: UInt64
        let jobsInterrupted: UInt64
        @OrNull var lastHeartbeat: Timestamp?
        @OrNull var currentJob: JobJSON?
    }

    init(_ queue: QueueStatus, now: Timestamp) {
        let workers = queue.workers
        let runs = queue.inProgress > 0
        worker = Worker(
            id: nil,
            status: workers.isEmpty ? "offline" : runs ? "running" : "idle",
            uptimeSeconds: workers.map { Self.uptime($0, now) }.max() ?? 0,
            jobsProcessed: workers.reduce(0) { $0 + $1.songsAnalysed },
            jobsFailed: workers.reduce(0) { $0 + $1.songsFailed },
            jobsInterrupted: workers.reduce(0) { $0 + $1.interruptions },
            lastHeartbeat: workers.map(\.heartbeatAtMs).max().flatMap(Timestamp.init),
            currentJob: queue.running.first.map(JobJSON.init))
        self.workers = workers.map { worker in
            let job = queue.running.first { worker.lanes.contains($0.lane) }
            return Worker(
                id: worker.id, status: runs && !worker.lanes.isEmpty ? "running" : "idle",
                uptimeSeconds: Self.uptime(worker, now), jobsProcessed: worker.songsAnalysed,
                jobsFailed: worker.songsFailed, jobsInterrupted: worker.interruptions,
                lastHeartbeat: Timestamp(worker.heartbeatAtMs), currentJob: job.map(JobJSON.init))
        }
    }

    private static func uptime(_ worker: WorkerStatus, _ now: Timestamp) -> Double {
        max(0, Double(now.millisecondsSince1970 - worker.connectedAtMs) / 1000)
    }
}
