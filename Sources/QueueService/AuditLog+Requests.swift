// What the audit log says about each request that it writes down.

import AnalysisAPI
import Jobs

extension Audited {
    var auditedUserID: String { "" }
    var auditedTarget: String { "" }
    var auditedDetail: String { "" }
}

extension JobRequest: Audited {
    var auditedUserID: String { userID }
    var auditedTarget: String { jobID }
}

extension JobFilter: Audited {
    var auditedUserID: String { userID }
    var auditedDetail: String { type == .unspecified ? "jobs of all types" : "jobs of type \(type.name)" }
}

extension ReprioritiseJobRequest: Audited {
    var auditedUserID: String { userID }
    var auditedTarget: String { jobID }
    var auditedDetail: String { "to \(priority.name)" }
}

extension PauseQueueRequest: Audited {
    var auditedDetail: String {
        [reason, seconds == 0 ? "" : "for \(seconds) s", freeze ? "at once" : ""].filter { !$0.isEmpty }
            .joined(separator: ", ")
    }
}

extension ResumeQueueRequest: Audited {
    var auditedDetail: String { reason }
}

extension CreateUserRequest: Audited {
    var auditedUserID: String { id }
    var auditedDetail: String { role == .administrator ? "as administrator" : "as listener" }
}

extension SetPasswordRequest: Audited {
    var auditedUserID: String { userID }
}

extension SetRoleRequest: Audited {
    var auditedUserID: String { userID }
    var auditedDetail: String { role == .administrator ? "to administrator" : "to listener" }
}

extension UserRequest: Audited {
    var auditedUserID: String { userID }
}

extension SetPreferencesRequest: Audited {
    var auditedUserID: String { userID }
    var auditedDetail: String {
        preferences.map { "background analysis \($0.backgroundAnalysis ? "on" : "off")" } ?? ""
    }
}

extension RemoveSongsRequest: Audited {
    var auditedUserID: String { userID }
    var auditedDetail: String { "\(songIds.count) songs" }
}

extension RemovePlaylistsRequest: Audited {
    var auditedUserID: String { userID }
    var auditedDetail: String { "\(playlistIds.count) playlists" }
}

extension VerifyRequest: Audited {
    var auditedTarget: String { lane.isEmpty ? "" : "lane \(lane)" }
    var auditedDetail: String { "with repair" }
}

extension AddLanesRequest: Audited {
    var auditedDetail: String { "until there are \(total)" }
}

extension MoveUserRequest: Audited {
    var auditedUserID: String { userID }
    var auditedTarget: String { "lane \(lane)" }
}

extension BackupRequest: Audited {}

/// A restoration, of which the request is a stream.
struct AuditedRestore: Audited {}

extension AcknowledgeAlertRequest: Audited {
    var auditedTarget: String { "alert \(alertID)" }
    var auditedDetail: String { note }
}

extension DrainWorkerRequest: Audited {
    var auditedTarget: String { "worker \(workerID)" }
    var auditedDetail: String { undo ? "back into service" : "out of service" }
}

extension SetLogLevelRequest: Audited {
    var auditedTarget: String { label.isEmpty ? "" : "logger \(label)" }
    var auditedDetail: String {
        [level == .unspecified ? "as it was started" : "from \(level) on", seconds == 0 ? "" : "for \(seconds) s"]
            .filter { !$0.isEmpty }.joined(separator: ", ")
    }
}
