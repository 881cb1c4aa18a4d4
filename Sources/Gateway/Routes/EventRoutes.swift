// The event stream: every change of the contexts asked for, as it happens (server-sent events).

import AnalysisAPI
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import Metrics
import NIOCore
import RPC
import ServiceLifecycle

struct EventRoutes: Sendable {
    let backend: Backend
    let alerts: AlertFeed
    let sessions: Sessions
    let limits: RequestLimits
    private let open = Meter(label: "analysis_http_event_streams")
    private static let headers: HTTPFields = [
        .contentType: "text/event-stream; charset=utf-8",
        .cacheControl: "no-store",
        HTTPField.Name("X-Accel-Buffering")!: "no",  // Proxies must not hold events back.
    ]
    /// How often something is sent where nothing changes.
    let heartbeat: TimeAmount
    /// After how long somebody who reads nothing is left.
    let patience: TimeAmount

    func add(to routes: Endpoints<SignedInContext>) {
        routes.raw(
            "events",
            """
            Every change of the contexts asked for, as it happens, as server-sent events: progress, an entry as in \
            /api/progress; job_started and job_ended, a job as in /api/jobs; notification, one as in /api/notifications; \
            alert, to administrators, an alert as in /api/admin/alerts, those that last at the beginning. Last-Event-ID \
            resumes.
            """,
            query: [
                QueryParameter("job", .texts, "jobs to follow"),
                QueryParameter("playlist", .texts, "playlists to follow"),
                QueryParameter("library", .flag, "whether to follow the library"),
                QueryParameter("active", .flag, "whether to follow all jobs that have not ended"),
            ],
            contentType: "text/event-stream", use: events)
    }

    /// Where contexts are named, their first state is awaited before the answer begins, so that someone else's job is a 404 and a
    /// service that is away a 503. Each change is written, and flushed, by itself.
    @Sendable private func events(request: Request, context: SignedInContext) async throws -> Response {
        // Nothing is opened that nobody will read.
        guard request.method != .head else { return Response(status: .ok, headers: Self.headers) }
        try limits.opens.take(context.user.id)
        guard let place = limits.streams.place(for: context.user.id) else {
            throw GatewayError(
                status: .tooManyRequests, message: "There are too many event streams of yours; close one.",
                retryAfterSeconds: 5)
        }
        var watch = WatchRequest(userID: context.user.id, query: request.queryParameters)
        watch.sinceVersion = request.headers[.lastEventID].flatMap { UInt64($0) } ?? 0
        // Of contexts that have not changed since, nothing would come.
        let isResumed = watch.sinceVersion > 0
        if isResumed { try await check(watch.contexts, context) }
        let views = backend.progress.watch(watch, options: context.call.unlimited)
        let user = context.user
        let teller = EventTeller(backend: backend, user: user, isResumed: isResumed)
        let first = watch.contexts.isEmpty || isResumed ? nil : try await teller.next(views)
        let (logger, channel, credential) = (context.logger, context.channel, context.session.credential)
        let body = ResponseBody { [open] writer in
            open.increment()
            defer { withExtendedLifetime(place) { open.decrement() } }
            let keeper = StreamKeeper(writer: writer, channel: channel)
            try await keeper.write(EventText.opening)
            if let first { try await keeper.write(first) }
            keeper.start(heartbeat: heartbeat, patience: patience) { await isSignedIn(user, by: credential) }
            defer { keeper.end() }
            teller.begin(keeper)
            defer { teller.end() }
            let reader =
                user.role == .administrator ? alerts.add(for: user, logger: logger) { teller.add(.alert($0)) } : nil
            defer { if let reader { alerts.remove(reader) } }
            do {
                try await withGracefulShutdownHandler {
                    try await request.body.consumeWithCancellationOnInboundClose { _ in
                        while let text = try await teller.next(views) { try await keeper.write(text) }
                    }
                } onGracefulShutdown: {
                    channel.close(promise: nil)
                }
            } catch is CancellationError {
                // The browser has gone.
            } catch {
                logger.info("an event stream ended early", metadata: ["error": "\(error)"])
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: Self.headers, body: body)
    }

    /// - Throws: 404 where a context is not the user's, 503 where nobody can say.
    private func check(_ contexts: [ProgressContext], _ context: SignedInContext) async throws {
        for progress in contexts {
            _ = try await backend.progress.get(
                ProgressRequest(userID: context.user.id, context: progress), options: context.call)
        }
    }

    /// A stream ends with its session, and with the rights that it was opened by, but not because nobody can say whether that is so.
    private func isSignedIn(_ user: User, by credential: Credential) async -> Bool {
        do {
            return try await sessions.caller(of: credential, isRead: true)?.user.role == user.role
        } catch {
            return true
        }
    }
}

extension WatchRequest {
    /// `job` and `playlist` may repeat; `library=1` and `active=1` add the whole library and all jobs that have not ended. With
    /// none of them, both of the latter are meant.
    fileprivate init(userID: String, query: FlatDictionary<Substring, Substring>) {
        func isSet(_ name: Substring) -> Bool { query[name].map { $0 != "0" && $0 != "false" } ?? false }
        var contexts = query[values: "job"].map { ProgressContext.job(String($0)) }
        contexts += query[values: "playlist"].map { ProgressContext.playlist(String($0)) }
        if isSet("library") { contexts.append(.library) }
        var active = isSet("active")
        if contexts.isEmpty && !active { (contexts, active) = ([.library], true) }
        self.init(userID: userID, contexts: contexts, activeJobs: active)
    }
}

extension HTTPField.Name {
    fileprivate static let lastEventID = HTTPField.Name("Last-Event-ID")!  // A literal token is a valid name.
}
