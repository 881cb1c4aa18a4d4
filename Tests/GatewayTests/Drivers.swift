// The services behind a gateway under test: they answer what a test sets, over the real RPC.

import AnalysisAPI
import RPC
import Synchronization

/// What a driver answers where the test has set nothing.
@Sendable func unexpected<Request, Reply>(_ request: Request) throws -> Reply {
    throw RPCError(.unimplemented, "the test did not expect \(request)")
}

final class QueueDriver: QueueProvider {
    struct Answers: Sendable {
        var enqueue: @Sendable (EnqueueRequest) throws -> EnqueueReply = unexpected
        var getJob: @Sendable (JobRequest) throws -> Job = unexpected
        var listJobs: @Sendable (ListJobsRequest) throws -> ListJobsReply = unexpected
        var getStatus: @Sendable (QueueStatusRequest) throws -> QueueStatus = unexpected
        var cancelJob: @Sendable (JobRequest) throws -> Job = unexpected
        var pauseJob: @Sendable (JobRequest) throws -> Job = unexpected
        var resumeJob: @Sendable (JobRequest) throws -> Job = unexpected
        var getStatistics: @Sendable (StatisticsRequest) throws -> Statistics = unexpected
        var resumeQueue: @Sendable (ResumeQueueRequest) throws -> ResumeQueueReply = unexpected
        var pauseQueue: @Sendable (PauseQueueRequest) throws -> PauseQueueReply = unexpected
        var clearJobs: @Sendable (JobFilter) throws -> ChangedJobs = unexpected
        var replayJobs: @Sendable (JobFilter) throws -> ChangedJobs = unexpected
        var replayJob: @Sendable (JobRequest) throws -> Job = unexpected
        var getTimeline: @Sendable (TimelineRequest) throws -> Timeline = unexpected
        var retryJob: @Sendable (JobRequest) throws -> Job = unexpected
        var rateJob: @Sendable (RateJobRequest) throws -> Job = unexpected
    }

    private let answers = Mutex(Answers())

    func set(_ change: (inout Answers) -> Void) { answers.withLock { change(&$0) } }
    private var current: Answers { answers.withLock { $0 } }

    func enqueue(_ request: EnqueueRequest, context: CallContext) async throws -> EnqueueReply {
        try current.enqueue(request)
    }
    func enqueueMany(_ request: EnqueueManyRequest, context: CallContext) async throws -> EnqueueManyReply {
        try unexpected(request)
    }
    func replayJob(_ request: JobRequest, context: CallContext) async throws -> Job {
        try current.replayJob(request)
    }
    func retryJob(_ request: JobRequest, context: CallContext) async throws -> Job { try current.retryJob(request) }
    func rateJob(_ request: RateJobRequest, context: CallContext) async throws -> Job { try current.rateJob(request) }
    func getStatistics(_ request: StatisticsRequest, context: CallContext) async throws -> Statistics {
        try current.getStatistics(request)
    }
    func replayJobs(_ request: JobFilter, context: CallContext) async throws -> ChangedJobs {
        try current.replayJobs(request)
    }
    func clearJobs(_ request: JobFilter, context: CallContext) async throws -> ChangedJobs {
        try current.clearJobs(request)
    }
    func getPosition(_ request: JobRequest, context: CallContext) async throws -> JobPosition {
        try unexpected(request)
    }
    func reprioritiseJob(_ request: ReprioritiseJobRequest, context: CallContext) async throws -> Job {
        try unexpected(request)
    }
    func pauseQueue(_ request: PauseQueueRequest, context: CallContext) async throws -> PauseQueueReply {
        try current.pauseQueue(request)
    }
    func resumeQueue(_ request: ResumeQueueRequest, context: CallContext) async throws -> ResumeQueueReply {
        try current.resumeQueue(request)
    }
    func getTimeline(_ request: TimelineRequest, context: CallContext) async throws -> Timeline {
        try current.getTimeline(request)
    }
    func getJob(_ request: JobRequest, context: CallContext) async throws -> Job { try current.getJob(request) }
    func listJobs(_ request: ListJobsRequest, context: CallContext) async throws -> ListJobsReply {
        try current.listJobs(request)
    }
    func getStatus(_ request: QueueStatusRequest, context: CallContext) async throws -> QueueStatus {
        try current.getStatus(request)
    }
    func cancelJob(_ request: JobRequest, context: CallContext) async throws -> Job { try current.cancelJob(request) }
    func pauseJob(_ request: JobRequest, context: CallContext) async throws -> Job { try current.pauseJob(request) }
    func resumeJob(_ request: JobRequest, context: CallContext) async throws -> Job { try current.resumeJob(request) }
    func follow(_ request: FollowRequest, to writer: RPCWriter<Event>, context: CallContext) async throws {
        throw RPCError(.unimplemented, "a gateway does not follow the log")
    }
}

final class CatalogDriver: CatalogProvider {
    struct Answers: Sendable {
        var login: @Sendable (LoginRequest) throws -> LoginReply = unexpected
        var checkSession: @Sendable (SessionRequest) throws -> User = unexpected
        var logout: @Sendable (SessionRequest) throws -> LogoutReply = unexpected
        var loggedIn: @Sendable (UserRequest) throws -> LoggedInReply = unexpected
        var createUser: @Sendable (CreateUserRequest) throws -> User = unexpected
        var getUser: @Sendable (UserRequest) throws -> User = unexpected
        var setPassword: @Sendable (SetPasswordRequest) throws -> User = unexpected
        var listPlaylists: @Sendable (UserRequest) throws -> ListPlaylistsReply = unexpected
        var getPlaylist: @Sendable (PlaylistRequest) throws -> PlaylistDetail = unexpected
        var getSong: @Sendable (SongRequest) throws -> SongDetail = unexpected
        var searchSongs: @Sendable (SearchSongsRequest) throws -> SearchSongsReply = unexpected
        var getCoverage: @Sendable (CoverageRequest) throws -> Coverage = unexpected
        var removeUser: @Sendable (UserRequest) throws -> RemoveUserReply = unexpected
        /// The parts, one by one.
        var exportUser: @Sendable (UserRequest) throws -> [ExportPart] = unexpected
        var listUsers: @Sendable (ListUsersRequest) throws -> ListUsersReply = unexpected
        var setRole: @Sendable (SetRoleRequest) throws -> User = unexpected
        var setPreferences: @Sendable (SetPreferencesRequest) throws -> Preferences = unexpected
        var getPreferences: @Sendable (UserRequest) throws -> Preferences = unexpected
        var getTargets: @Sendable (TargetsRequest) throws -> Targets = unexpected
        var getInsights: @Sendable (UserRequest) throws -> Insights = unexpected
        var upsertLibrary: @Sendable (UpsertLibraryRequest) throws -> UpsertLibraryReply = unexpected
        var removeSongs: @Sendable (RemoveSongsRequest) throws -> RemovedReply = unexpected
        var removePlaylists: @Sendable (RemovePlaylistsRequest) throws -> RemovedReply = unexpected
        var reportWatching: @Sendable (WatchingReport) throws -> WatchingReply = unexpected
    }

    private let answers = Mutex(Answers())

    func set(_ change: (inout Answers) -> Void) { answers.withLock { change(&$0) } }
    private var current: Answers { answers.withLock { $0 } }

    func login(_ request: LoginRequest, context: CallContext) async throws -> LoginReply { try current.login(request) }
    func checkSession(_ request: SessionRequest, context: CallContext) async throws -> User {
        try current.checkSession(request)
    }
    func reportWatching(_ request: WatchingReport, context: CallContext) async throws -> WatchingReply {
        try current.reportWatching(request)
    }
    func logout(_ request: SessionRequest, context: CallContext) async throws -> LogoutReply {
        try current.logout(request)
    }
    func loggedIn(_ request: UserRequest, context: CallContext) async throws -> LoggedInReply {
        try current.loggedIn(request)
    }
    func listPlaylists(_ request: UserRequest, context: CallContext) async throws -> ListPlaylistsReply {
        try current.listPlaylists(request)
    }
    func getPlaylist(_ request: PlaylistRequest, context: CallContext) async throws -> PlaylistDetail {
        try current.getPlaylist(request)
    }
    func getSong(_ request: SongRequest, context: CallContext) async throws -> SongDetail {
        try current.getSong(request)
    }
    func searchSongs(_ request: SearchSongsRequest, context: CallContext) async throws -> SearchSongsReply {
        try current.searchSongs(request)
    }
    func getTargets(_ request: TargetsRequest, context: CallContext) async throws -> Targets {
        try current.getTargets(request)
    }
    func getInsights(_ request: UserRequest, context: CallContext) async throws -> Insights {
        try current.getInsights(request)
    }
    func getCoverage(_ request: CoverageRequest, context: CallContext) async throws -> Coverage {
        try current.getCoverage(request)
    }

    func createUser(_ request: CreateUserRequest, context: CallContext) async throws -> User {
        try current.createUser(request)
    }
    func setPassword(_ request: SetPasswordRequest, context: CallContext) async throws -> User {
        try current.setPassword(request)
    }
    func getUser(_ request: UserRequest, context: CallContext) async throws -> User { try current.getUser(request) }
    func getPreferences(_ request: UserRequest, context: CallContext) async throws -> Preferences {
        try current.getPreferences(request)
    }
    func setPreferences(_ request: SetPreferencesRequest, context: CallContext) async throws -> Preferences {
        try current.setPreferences(request)
    }
    func importFolder(
        _ request: ImportFolderRequest, to writer: RPCWriter<ImportProgress>, context: CallContext
    ) async throws { let _: User = try unexpected(request) }
    func setRole(_ request: SetRoleRequest, context: CallContext) async throws -> User {
        try current.setRole(request)
    }
    func listUsers(_ request: ListUsersRequest, context: CallContext) async throws -> ListUsersReply {
        try current.listUsers(request)
    }
    func exportUser(_ request: UserRequest, to writer: RPCWriter<ExportPart>, context: CallContext) async throws {
        for part in try current.exportUser(request) { try await writer.write(part) }
    }
    func removeUser(_ request: UserRequest, context: CallContext) async throws -> RemoveUserReply {
        try current.removeUser(request)
    }
    func upsertLibrary(_ request: UpsertLibraryRequest, context: CallContext) async throws -> UpsertLibraryReply {
        try current.upsertLibrary(request)
    }
    func removeSongs(_ request: RemoveSongsRequest, context: CallContext) async throws -> RemovedReply {
        try current.removeSongs(request)
    }
    func removePlaylists(_ request: RemovePlaylistsRequest, context: CallContext) async throws -> RemovedReply {
        try current.removePlaylists(request)
    }
}

final class ProgressDriver: ProgressProvider {
    struct Answers: Sendable {
        var get: @Sendable (ProgressRequest) throws -> ProgressView = unexpected
        var forget: @Sendable (ProgressRequest) throws -> ProgressView = unexpected
        var listActive: @Sendable (ListActiveRequest) throws -> ListActiveReply = unexpected
        /// What a watcher is sent, one by one, as it comes; the call ends with the stream.
        var watch: @Sendable (WatchRequest) throws -> AsyncStream<ProgressView> = unexpected
        var watchEnded: @Sendable () -> Void = {}
        var getAccuracy: @Sendable (AccuracyRequest) throws -> Accuracy = unexpected
    }

    private let answers = Mutex(Answers())

    func set(_ change: (inout Answers) -> Void) { answers.withLock { change(&$0) } }
    private var current: Answers { answers.withLock { $0 } }

    func get(_ request: ProgressRequest, context: CallContext) async throws -> ProgressView { try current.get(request) }
    func forget(_ request: ProgressRequest, context: CallContext) async throws -> ProgressView {
        try current.forget(request)
    }
    func listActive(_ request: ListActiveRequest, context: CallContext) async throws -> ListActiveReply {
        try current.listActive(request)
    }
    func watch(_ request: WatchRequest, to writer: RPCWriter<ProgressView>, context: CallContext) async throws {
        let answers = current
        defer { answers.watchEnded() }
        for await view in try answers.watch(request) { try await writer.write(view) }
    }
    func getAccuracy(_ request: AccuracyRequest, context: CallContext) async throws -> Accuracy {
        try current.getAccuracy(request)
    }
    func report(_ requests: RPCStream<ProgressReport>, context: CallContext) async throws -> ReportReply {
        throw RPCError(.unimplemented, "a gateway does not report")
    }
}

final class AlertsDriver: AlertsProvider {
    struct Answers: Sendable {
        var listAlerts: @Sendable (ListAlertsRequest) throws -> ListAlertsReply = unexpected
        var acknowledgeAlert: @Sendable (AcknowledgeAlertRequest) throws -> Alert = unexpected
        /// What a watcher is sent, as it comes.
        var watchAlerts: @Sendable () -> AsyncStream<Alert> = { AsyncStream { _ in } }
    }

    private let answers = Mutex(Answers())

    func set(_ change: (inout Answers) -> Void) { answers.withLock { change(&$0) } }
    private var current: Answers { answers.withLock { $0 } }

    func listAlerts(_ request: ListAlertsRequest, context: CallContext) async throws -> ListAlertsReply {
        try current.listAlerts(request)
    }
    func acknowledgeAlert(_ request: AcknowledgeAlertRequest, context: CallContext) async throws -> Alert {
        try current.acknowledgeAlert(request)
    }
    func watchAlerts(_ request: WatchAlertsRequest, to writer: RPCWriter<Alert>, context: CallContext) async throws {
        for await alert in current.watchAlerts() { try await writer.write(alert) }
    }
}

final class AuditDriver: AuditProvider {
    typealias Listing = @Sendable (ListAuditEntriesRequest) throws -> ListAuditEntriesReply

    private let answer = Mutex<Listing>(unexpected)

    func set(_ listing: @escaping Listing) { answer.withLock { $0 = listing } }

    func listAuditEntries(
        _ request: ListAuditEntriesRequest, context: CallContext
    ) async throws -> ListAuditEntriesReply { try answer.withLock { $0 }(request) }
}

/// A service that is well, or not for the reason that it is set to.
final class HealthDriver: HealthProvider {
    private let problem = Mutex("")

    func set(problem: String) { self.problem.withLock { $0 = problem } }

    func check(_ request: HealthRequest, context: CallContext) async throws -> HealthReply {
        let problem = problem.withLock { $0 }
        return HealthReply(status: problem.isEmpty ? .serving : .notServing, reason: problem)
    }
    func watch(_ request: HealthRequest, to writer: RPCWriter<HealthReply>, context: CallContext) async throws {
        throw RPCError(.unimplemented, "a gateway does not watch")
    }
}
