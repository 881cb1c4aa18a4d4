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
    let streams: ConcurrencyLimit
    private let open = Meter(label: "analysis_http_event_streams")
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
        guard let place = streams.place(for: context.user.id) else {
            throw GatewayError(
                status: .tooManyRequests, message: "There are too many event streams of yours; close one.",
                retryAfterSeconds: 5)
        }
        var watch = WatchRequest(userID: context.user.id, query: request.uri.queryParameters)
        watch.sinceVersion = request.headers[.lastEventID].flatMap { UInt64($0) } ?? 0
        // Of contexts that have not changed since, nothing would come.
        let isResumed = watch.sinceVersion > 0
        if isResumed { try await check(watch.contexts, context) }
        let views = backend.progress.watch(watch, options: context.call.unlimited)
        let first = watch.contexts.isEmpty || isResumed ? nil : try await views.next()
        let (logger, channel, credential) = (context.logger, context.channel, context.session.credential)
        let openedAt = Timestamp.now
        let body = ResponseBody { [open] writer in
            open.increment()
            defer { withExtendedLifetime(place) { open.decrement() } }
            var state = EventStreamState(openedAtMs: openedAt.millisecondsSince1970, isResumed: isResumed)
            let keeper = StreamKeeper(writer: writer, channel: channel)
            try await keeper.write(EventStream.opening)
            let (asides, told) = AsyncStream.makeStream(of: Aside.self, bufferingPolicy: .bufferingNewest(1000))
            if let first { try await keeper.write(text(of: state.events(of: first), told)) }
            keeper.start(heartbeat: heartbeat, patience: patience) { await isSignedIn(credential) }
            defer { keeper.end() }
            let reader =
                context.user.role == .administrator
                ? alerts.add(for: context.user, logger: logger) { told.yield(.alert($0)) } : nil
            defer { if let reader { alerts.remove(reader) } }
            let teller = Task { await tell(asides, to: keeper, context) }
            defer { teller.cancel() }
            do {
                try await withGracefulShutdownHandler {
                    try await request.body.consumeWithCancellationOnInboundClose { [state] _ in
                        var state = state
                        for try await view in views {
                            try await keeper.write(text(of: state.events(of: view), told))
                        }
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
        return Response(status: .ok, headers: EventStream.headers, body: body)
    }

    /// - Parameter told: is given what no progress waits for.
    private func text(
        of events: [EventStreamState.Event], _ told: AsyncStream<Aside>.Continuation
    ) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        for event in events {
            switch event {
            case .progress(let view):
                buffer.writeString("id: \(view.version)\n")
                try EventStream.write("progress", ProgressEntry(view), to: &buffer)
            case .jobStarted(let job): try EventStream.write("job_started", JobJSON(job), to: &buffer)
            case .jobEnded(let job): try EventStream.write("job_ended", JobJSON(job), to: &buffer)
            case .notification(let notification): told.yield(.notification(notification))
            }
        }
        return buffer
    }

    /// Writes alerts and notifications in their order, until it is cancelled or the connection has gone.
    private func tell(_ asides: AsyncStream<Aside>, to keeper: StreamKeeper, _ context: SignedInContext) async {
        for await aside in asides {
            var text = ByteBuffer()
            do {
                switch aside {
                case .alert(let alert): try EventStream.write("alert", AlertJSON(alert), to: &text)
                case .notification(let notification):
                    guard let told = await NotificationRoutes(backend: backend).told(notification, context) else {
                        continue
                    }
                    try EventStream.write("notification", told, to: &text)
                }
                try await keeper.write(text)
            } catch {
                return
            }
        }
    }

    /// - Throws: 404 where a context is not the user's, 503 where nobody can say.
    private func check(_ contexts: [ProgressContext], _ context: SignedInContext) async throws {
        for progress in contexts {
            _ = try await backend.progress.get(
                ProgressRequest(userID: context.user.id, context: progress), options: context.call)
        }
    }

    /// A stream ends with its session, but not because nobody can say whether that has ended.
    private func isSignedIn(_ credential: Credential) async -> Bool {
        do {
            return try await sessions.caller(of: credential, isRead: true) != nil
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

/// The text of the stream.
/// What is told beside progress, which does not wait for it: what a notification is about must be asked for.
private enum Aside {
    case alert(Alert)
    case notification(Notification)
}

private enum EventStream {
    static let headers: HTTPFields = [
        .contentType: "text/event-stream; charset=utf-8",
        .cacheControl: "no-store",
        HTTPField.Name("X-Accel-Buffering")!: "no",  // Proxies must not hold events back.
    ]
    /// How long a browser waits before it connects again.
    static let opening = ByteBuffer(string: "retry: 1000\n\n")

    static func write(_ name: String, _ data: some Encodable, to buffer: inout ByteBuffer) throws {
        buffer.writeString("event: \(name)\ndata: ")
        buffer.writeImmutableBuffer(try JSONBody.encode(data))
        buffer.writeString("\n\n")
    }
}

extension HTTPField.Name {
    fileprivate static let lastEventID = HTTPField.Name("Last-Event-ID")!  // A literal token is a valid name.
}
