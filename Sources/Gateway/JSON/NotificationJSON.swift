// What users are told of their analyses, in a sentence.

import AnalysisAPI

/// `GET /api/notifications`, the latest first.
struct NotificationsAnswer: Answer {
    var success = true
    let notifications: [NotificationJSON]
    /// `null`: this was the last page.
    @OrNull var nextPageToken: String?

    /// - Parameter reply: jobs that have ended.
    init(_ reply: ListJobsReply, muted: [NotificationKind], names: TargetNames) {
        notifications = reply.jobs.compactMap { job in
            guard let kind = NotificationKind(endOf: job), !muted.contains(kind) else { return nil }
            return NotificationJSON(Notification(kind: kind, job: job, atMs: job.endedAtMs), names: names)
        }
        nextPageToken = reply.nextPageToken.isEmpty ? nil : reply.nextPageToken
    }
}

/// Something that became of a job.
struct Notification: Sendable, Equatable {
    let kind: NotificationKind
    /// As it was then.
    let job: Job
    let atMs: Int64
    /// Whether it had run before, where it starts.
    var goesOn = false
}

struct NotificationJSON: Codable, Sendable {
    /// The same wherever the same is told.
    let id: String
    let kind: String
    let message: String
    let at: Timestamp
    let jobID: String
    let type: String
    @OrNull var targetID: Identifier?
    /// `null` for background work, and for what has left the library.
    @OrNull var name: String?

    init(_ notification: Notification, names: TargetNames) {
        let job = notification.job
        kind = notification.kind.contractName
        id = "\(job.id) \(kind) \(notification.atMs)"
        at = Timestamp(millisecondsSince1970: notification.atMs)
        jobID = job.id
        type = job.type.shortName
        targetID = Identifier(nonEmpty: job.targetID)
        name = names.target(of: job)
        message = notification.message(name: names.target(of: job))
    }
}

extension Notification {
    fileprivate func message(name: String?) -> String {
        let subject =
            switch job.type {
            case .background: "Your library"
            case .song: name.map { "“\($0)”" } ?? "A song"
            case .playlist, .unspecified, .unrecognized: name.map { "“\($0)”" } ?? "A playlist"
            }
        return switch kind {
        case .started: goesOn ? "\(subject) goes on being analysed" : "\(subject) is being analysed"
        case .displaced: "\(subject) makes way and goes on by itself later"
        // What is counted is the last batch alone.
        case .completed where job.batch > 1: "\(subject) has been gone through"
        case .completed: "\(subject): \(outcome)"
        case .failed: "\(subject) could not be analysed" + (job.error.isEmpty ? "" : ": \(job.error)")
        case .cancelled: "The analysis was cancelled: \(subject)"
        case .unspecified, .unrecognized: subject
        }
    }

    /// "58 analysed, 2 failed, about 31 minutes".
    private var outcome: String {
        let failed = job.failed > 0 ? ", \(job.failed) failed" : ""
        let took = job.startedAtMs > 0 ? Double(job.endedAtMs - job.startedAtMs) / 1000 : 0
        return "\(job.analysed &+ job.skipped) analysed\(failed), \(approximateDuration(seconds: took))"
    }
}

extension NotificationKind {
    /// How a job ended; nil where it has not, or another one goes on where it ends.
    init?(endOf job: Job) {
        switch job.state {
        case .completed where job.left > 0: return nil
        case .completed: self = .completed
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .unspecified, .scheduled, .pending, .inProgress, .interrupted, .paused, .unrecognized: return nil
        }
    }

    fileprivate var contractName: String {
        switch self {
        case .started: "started"
        case .displaced: "displaced"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .unspecified, .unrecognized: "unknown"
        }
    }
}
