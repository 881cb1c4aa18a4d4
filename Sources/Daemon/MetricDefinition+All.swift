// The families of all processes. docs/metrics.md is made from them.

extension MetricDefinition {
    package static let all = process + calls + redis + queue + product + worker + progress + gateway

    /// Of every process, under the names that Prometheus' own clients use.
    private static let process: [Self] = [
        .counter("process_cpu_seconds_total", "CPU time of the process, its ended children left out."),
        .gauge("process_resident_memory_bytes", "Memory of the process that is in RAM."),
        .gauge("process_virtual_memory_bytes", "Address space of the process."),
        .gauge("process_open_fds", "Open file descriptors."),
        .gauge("process_max_fds", "How many file descriptors may be open."),
        .gauge("process_start_time_seconds", "When the process started, since 1970."),
    ]

    private static let calls: [Self] = [
        .histogram(
            "analysis_rpc_server_call_duration_seconds", MetricBounds.call, by: ["method"],
            "How long answering a call took that is no stream; refused and failed ones count, too."),
        .counter(
            "analysis_rpc_server_errors_total", by: ["method", "code"],
            "Calls and streams that ended with an error, by status."),
        .histogram(
            "analysis_rpc_client_call_duration_seconds", MetricBounds.call, by: ["method"],
            "How long callers waited for the answer to a call that is no stream, repetitions included."),
        .counter(
            "analysis_rpc_client_errors_total", by: ["method", "code"],
            "Calls that are no stream and failed, by status."),
        .counter(
            "analysis_rpc_client_connects_total", "Connections made to other processes, again or for the first time."),
    ]

    private static let redis: [Self] = [
        .histogram(
            "analysis_redis_command_duration_seconds", MetricBounds.call,
            "How long callers waited for Redis; a script is one command, and so is what is sent in one piece."),
        .counter(
            "analysis_redis_errors_total", by: ["code"],
            "Commands that failed, by what Redis answered: its own errors and refusals of the queue's scripts, or none."
        ),
        .counter("analysis_redis_connects_total", "Connections made to Redis, again or for the first time."),
        .gauge("analysis_redis_memory_used_bytes", "Memory that Redis uses."),
        .gauge("analysis_redis_memory_limit_bytes", "Memory that Redis may use; 0: no limit is set."),
        .gauge("analysis_redis_aof_delayed_fsyncs", "Writes that Redis held back for a slow disk since it started."),
    ]

    private static let queue: [Self] = [
        .gauge("analysis_queue_jobs", by: ["state"], "Jobs that have not ended."),
        .gauge("analysis_queue_waiting_jobs", by: ["class"], "Jobs that wait in line."),
        .gauge(
            "analysis_queue_oldest_waiting_seconds", by: ["class"],
            "For how long the first in line of a class has been there; 0: none is."),
        .gauge("analysis_queue_waiting_audio_seconds", "Length of the songs that wait in line, as far as known."),
        .gauge("analysis_queue_paused", "1 while nothing is claimed because the queue is paused."),
        .gauge(
            "analysis_queue_open_breakers", "Analyzers that are tried only now and then because song after song failed."
        ),
        .counter("analysis_queue_claims_total", by: ["class"], "Items that a worker began or went on with."),
        .histogram(
            "analysis_queue_wait_duration_seconds", MetricBounds.work, by: ["class"],
            "How long jobs waited for their first song to begin."),
        .histogram(
            "analysis_queue_click_duration_seconds", MetricBounds.answer,
            "How long songs that somebody clicked on waited to begin, or to be found analysed."),
        .counter(
            "analysis_queue_preemptions_total", by: ["class"], "Items that were frozen for something more urgent."),
        .histogram(
            "analysis_queue_preemption_duration_seconds", MetricBounds.reaction,
            "From when something more urgent was asked for until what ran was frozen."),
        .counter(
            "analysis_queue_priority_inversion_seconds_total",
            "How long work waited while less urgent work ran on its lane, the first 100 ms of each time left out."),
        .histogram(
            "analysis_queue_job_duration_seconds", MetricBounds.work, by: ["type"],
            "From the beginning of a job's first song to the end of its last, of jobs that completed."),
        .counter("analysis_queue_jobs_ended_total", by: ["type", "outcome"], "Jobs that ended."),
        .counter(
            "analysis_queue_songs_total", by: ["outcome"], "Songs that jobs are through with, and songs tried again."),
        .counter("analysis_queue_workers_lost_total", "Items whose worker was lost."),
        .histogram(
            "analysis_queue_recovery_duration_seconds", MetricBounds.reaction + [30, 60, 300],
            "From when a job had lost its worker until it ran again."),
        .counter("analysis_queue_expired_jobs_total", "Ended jobs that were removed because of their age."),
        .counter("analysis_queue_expired_results_total", "Songs whose results were removed because of their age."),
    ]

    private static let product: [Self] = [
        .gauge("analysis_users", "Users that there are."),
        .gauge("analysis_users_with_background_analysis", "Users whose preferences let it begin at login."),
        .counter(
            "analysis_ratings_total", by: ["thumb"],
            "What users said of jobs that had ended, up or down; who changes their mind counts again."),
        .counter(
            "analysis_watching_seconds_total",
            "For how long progress was before the eyes of users who let that be counted."),
    ]

    private static let worker: [Self] = [
        .gauge("analysis_workers", "Workers that are connected, to whichever replica."),
        .counter("analysis_worker_starts_total", "Workers that connected for the first time."),
        .gauge(
            "analysis_worker_heartbeat_age_seconds", by: ["worker"], "Since when nothing has been heard of a worker."),
        .gauge("analysis_worker_suspended_items", "Analyses that are kept frozen."),
        .gauge(
            "analysis_worker_analyzer_processes", by: ["analyzer", "activity"], "Analyzer processes, by what they do."),
        .gauge("analysis_worker_children_memory_bytes", "Memory of all analyzer processes that is in RAM."),
        .counter(
            "analysis_worker_children_cpu_seconds_total", "CPU time of all analyzer processes, ended ones included."),
        .histogram(
            "analysis_worker_song_duration_seconds", MetricBounds.song, by: ["analyzer"],
            "How long an analyzer took for a song, time in which it was frozen left out."),
        .counter(
            "analysis_worker_song_failures_total", by: ["analyzer", "reason"], "Songs that an analyzer failed on."),
    ]

    private static let progress: [Self] = [
        .histogram(
            "analysis_progress_eta_error_ratio", [0.01, 0.02, 0.05, 0.07, 0.1, 0.2, 0.3, 0.5, 1, 2], by: ["kind"],
            "How far off estimates were, as a share of the time then taken; adjusted: later displacement and pauses left out."
        )
    ]

    private static let gateway: [Self] = [
        .gauge("analysis_up", "1 where a process told its metrics, 0 where it could not be asked or fell silent."),
        .histogram(
            "analysis_http_request_duration_seconds", MetricBounds.answer, by: ["method", "route", "status"],
            "How long answering a request took, up to the beginning of an event stream; by the class of its status."),
        .gauge("analysis_http_event_streams", "Event streams that are open."),
    ]
}
