from analysis.v1 import jobs_pb2 as _jobs_pb2
from analysis.v1 import workers_pb2 as _workers_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
EVENT_KIND_BREAKER_CLOSED: EventKind
EVENT_KIND_BREAKER_OPENED: EventKind
EVENT_KIND_CANCELLED: EventKind
EVENT_KIND_COMPLETED: EventKind
EVENT_KIND_DUE: EventKind
EVENT_KIND_ENQUEUED: EventKind
EVENT_KIND_FAILED: EventKind
EVENT_KIND_INTERRUPTED: EventKind
EVENT_KIND_LIBRARY_CHANGED: EventKind
EVENT_KIND_MOVED: EventKind
EVENT_KIND_PAUSED: EventKind
EVENT_KIND_QUEUE_PAUSED: EventKind
EVENT_KIND_QUEUE_RESUMED: EventKind
EVENT_KIND_RATED: EventKind
EVENT_KIND_REPLAYED: EventKind
EVENT_KIND_REPRIORITISED: EventKind
EVENT_KIND_RESUMED: EventKind
EVENT_KIND_SCHEDULED: EventKind
EVENT_KIND_SNAPSHOT: EventKind
EVENT_KIND_SNAPSHOT_END: EventKind
EVENT_KIND_SONG_ANALYSED: EventKind
EVENT_KIND_SONG_FAILED: EventKind
EVENT_KIND_SONG_RETRY: EventKind
EVENT_KIND_SONG_SKIPPED: EventKind
EVENT_KIND_STARTED: EventKind
EVENT_KIND_UNSPECIFIED: EventKind
EVENT_KIND_USER_REMOVED: EventKind
EVENT_KIND_WORKER_LOST: EventKind

class BackgroundHold(_message.Message):
    __slots__ = ["reason", "until_ms"]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    until_ms: int
    def __init__(self, reason: _Optional[str] = ..., until_ms: _Optional[int] = ...) -> None: ...

class ChangedJobs(_message.Message):
    __slots__ = ["changed"]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    changed: int
    def __init__(self, changed: _Optional[int] = ...) -> None: ...

class CircuitBreaker(_message.Message):
    __slots__ = ["analyzer", "lane", "opened_at_ms", "probe_at_ms", "reason", "songs"]
    ANALYZER_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    PROBE_AT_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SONGS_FIELD_NUMBER: _ClassVar[int]
    analyzer: str
    lane: str
    opened_at_ms: int
    probe_at_ms: int
    reason: str
    songs: int
    def __init__(self, analyzer: _Optional[str] = ..., lane: _Optional[str] = ..., opened_at_ms: _Optional[int] = ..., probe_at_ms: _Optional[int] = ..., songs: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class DayStatistics(_message.Message):
    __slots__ = ["attended_ms", "audio_ms", "cancelled", "clicks", "clicks_in_time", "completed", "day_ms", "enqueued", "failed", "interrupted", "recoveries", "recovery_ms", "songs_analysed", "songs_failed", "songs_retried", "songs_skipped", "thumbs_down", "thumbs_up", "watched_ms", "workers_lost", "workers_started"]
    ATTENDED_MS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_MS_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    CLICKS_FIELD_NUMBER: _ClassVar[int]
    CLICKS_IN_TIME_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    DAY_MS_FIELD_NUMBER: _ClassVar[int]
    ENQUEUED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTED_FIELD_NUMBER: _ClassVar[int]
    RECOVERIES_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_MS_FIELD_NUMBER: _ClassVar[int]
    SONGS_ANALYSED_FIELD_NUMBER: _ClassVar[int]
    SONGS_FAILED_FIELD_NUMBER: _ClassVar[int]
    SONGS_RETRIED_FIELD_NUMBER: _ClassVar[int]
    SONGS_SKIPPED_FIELD_NUMBER: _ClassVar[int]
    THUMBS_DOWN_FIELD_NUMBER: _ClassVar[int]
    THUMBS_UP_FIELD_NUMBER: _ClassVar[int]
    WATCHED_MS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_LOST_FIELD_NUMBER: _ClassVar[int]
    WORKERS_STARTED_FIELD_NUMBER: _ClassVar[int]
    attended_ms: int
    audio_ms: int
    cancelled: int
    clicks: int
    clicks_in_time: int
    completed: int
    day_ms: int
    enqueued: int
    failed: int
    interrupted: int
    recoveries: int
    recovery_ms: int
    songs_analysed: int
    songs_failed: int
    songs_retried: int
    songs_skipped: int
    thumbs_down: int
    thumbs_up: int
    watched_ms: int
    workers_lost: int
    workers_started: int
    def __init__(self, day_ms: _Optional[int] = ..., enqueued: _Optional[int] = ..., completed: _Optional[int] = ..., failed: _Optional[int] = ..., cancelled: _Optional[int] = ..., interrupted: _Optional[int] = ..., workers_lost: _Optional[int] = ..., songs_analysed: _Optional[int] = ..., songs_failed: _Optional[int] = ..., songs_skipped: _Optional[int] = ..., songs_retried: _Optional[int] = ..., audio_ms: _Optional[int] = ..., clicks: _Optional[int] = ..., clicks_in_time: _Optional[int] = ..., workers_started: _Optional[int] = ..., attended_ms: _Optional[int] = ..., recoveries: _Optional[int] = ..., recovery_ms: _Optional[int] = ..., thumbs_up: _Optional[int] = ..., thumbs_down: _Optional[int] = ..., watched_ms: _Optional[int] = ...) -> None: ...

class EnqueueManyReply(_message.Message):
    __slots__ = ["replies"]
    REPLIES_FIELD_NUMBER: _ClassVar[int]
    replies: _containers.RepeatedCompositeFieldContainer[EnqueueReply]
    def __init__(self, replies: _Optional[_Iterable[_Union[EnqueueReply, _Mapping]]] = ...) -> None: ...

class EnqueueManyRequest(_message.Message):
    __slots__ = ["idempotency_key", "targets", "user_id"]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    targets: _containers.RepeatedCompositeFieldContainer[EnqueueTarget]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., targets: _Optional[_Iterable[_Union[EnqueueTarget, _Mapping]]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class EnqueueReply(_message.Message):
    __slots__ = ["existing", "job", "queued"]
    EXISTING_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    existing: bool
    job: _jobs_pb2.Job
    queued: int
    def __init__(self, job: _Optional[_Union[_jobs_pb2.Job, _Mapping]] = ..., queued: _Optional[int] = ..., existing: bool = ...) -> None: ...

class EnqueueRequest(_message.Message):
    __slots__ = ["force", "idempotency_key", "priority", "target_id", "type", "user_id"]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    force: bool
    idempotency_key: str
    priority: _jobs_pb2.Priority
    target_id: str
    type: _jobs_pb2.JobType
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., type: _Optional[_Union[_jobs_pb2.JobType, str]] = ..., target_id: _Optional[str] = ..., force: bool = ..., priority: _Optional[_Union[_jobs_pb2.Priority, str]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class EnqueueTarget(_message.Message):
    __slots__ = ["force", "priority", "target_id", "type"]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    force: bool
    priority: _jobs_pb2.Priority
    target_id: str
    type: _jobs_pb2.JobType
    def __init__(self, type: _Optional[_Union[_jobs_pb2.JobType, str]] = ..., target_id: _Optional[str] = ..., force: bool = ..., priority: _Optional[_Union[_jobs_pb2.Priority, str]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ["analyzer", "at_ms", "by_job_id", "cursor", "epoch", "job", "kind", "lane", "reason", "song_id", "songs", "user_hash", "user_id"]
    ANALYZER_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    BY_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SONGS_FIELD_NUMBER: _ClassVar[int]
    SONG_ID_FIELD_NUMBER: _ClassVar[int]
    USER_HASH_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    analyzer: str
    at_ms: int
    by_job_id: str
    cursor: str
    epoch: int
    job: _jobs_pb2.Job
    kind: EventKind
    lane: str
    reason: str
    song_id: str
    songs: int
    user_hash: bytes
    user_id: str
    def __init__(self, lane: _Optional[str] = ..., cursor: _Optional[str] = ..., at_ms: _Optional[int] = ..., kind: _Optional[_Union[EventKind, str]] = ..., job: _Optional[_Union[_jobs_pb2.Job, _Mapping]] = ..., song_id: _Optional[str] = ..., songs: _Optional[int] = ..., reason: _Optional[str] = ..., user_id: _Optional[str] = ..., by_job_id: _Optional[str] = ..., epoch: _Optional[int] = ..., analyzer: _Optional[str] = ..., user_hash: _Optional[bytes] = ...) -> None: ...

class FollowRequest(_message.Message):
    __slots__ = ["cursors"]
    CURSORS_FIELD_NUMBER: _ClassVar[int]
    cursors: _containers.RepeatedCompositeFieldContainer[LaneCursor]
    def __init__(self, cursors: _Optional[_Iterable[_Union[LaneCursor, _Mapping]]] = ...) -> None: ...

class JobFilter(_message.Message):
    __slots__ = ["type", "user_id"]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    type: _jobs_pb2.JobType
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., type: _Optional[_Union[_jobs_pb2.JobType, str]] = ...) -> None: ...

class JobPosition(_message.Message):
    __slots__ = ["ahead_high", "ahead_low", "ahead_medium", "breakers", "hold", "job", "pause", "running_job_id", "running_priority"]
    AHEAD_HIGH_FIELD_NUMBER: _ClassVar[int]
    AHEAD_LOW_FIELD_NUMBER: _ClassVar[int]
    AHEAD_MEDIUM_FIELD_NUMBER: _ClassVar[int]
    BREAKERS_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    RUNNING_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RUNNING_PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ahead_high: int
    ahead_low: int
    ahead_medium: int
    breakers: _containers.RepeatedCompositeFieldContainer[CircuitBreaker]
    hold: BackgroundHold
    job: _jobs_pb2.Job
    pause: QueuePause
    running_job_id: str
    running_priority: _jobs_pb2.Priority
    def __init__(self, job: _Optional[_Union[_jobs_pb2.Job, _Mapping]] = ..., ahead_high: _Optional[int] = ..., ahead_medium: _Optional[int] = ..., ahead_low: _Optional[int] = ..., running_priority: _Optional[_Union[_jobs_pb2.Priority, str]] = ..., running_job_id: _Optional[str] = ..., pause: _Optional[_Union[QueuePause, _Mapping]] = ..., hold: _Optional[_Union[BackgroundHold, _Mapping]] = ..., breakers: _Optional[_Iterable[_Union[CircuitBreaker, _Mapping]]] = ...) -> None: ...

class JobRequest(_message.Message):
    __slots__ = ["job_id", "user_id"]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., job_id: _Optional[str] = ...) -> None: ...

class LaneCursor(_message.Message):
    __slots__ = ["cursor", "lane"]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    lane: str
    def __init__(self, lane: _Optional[str] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListJobsReply(_message.Message):
    __slots__ = ["jobs", "next_page_token"]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[_jobs_pb2.Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ["ended", "ended_from_ms", "failed", "from_ms", "limit", "page_token", "priority", "rated", "state", "target_id", "type", "until_ms", "user_id"]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    ENDED_FROM_MS_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    FROM_MS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    RATED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ended: bool
    ended_from_ms: int
    failed: bool
    from_ms: int
    limit: int
    page_token: str
    priority: _jobs_pb2.Priority
    rated: bool
    state: _jobs_pb2.JobState
    target_id: str
    type: _jobs_pb2.JobType
    until_ms: int
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., ended: bool = ..., limit: _Optional[int] = ..., failed: bool = ..., type: _Optional[_Union[_jobs_pb2.JobType, str]] = ..., priority: _Optional[_Union[_jobs_pb2.Priority, str]] = ..., state: _Optional[_Union[_jobs_pb2.JobState, str]] = ..., from_ms: _Optional[int] = ..., until_ms: _Optional[int] = ..., page_token: _Optional[str] = ..., rated: bool = ..., target_id: _Optional[str] = ..., ended_from_ms: _Optional[int] = ...) -> None: ...

class PauseQueueReply(_message.Message):
    __slots__ = ["pause"]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    pause: QueuePause
    def __init__(self, pause: _Optional[_Union[QueuePause, _Mapping]] = ...) -> None: ...

class PauseQueueRequest(_message.Message):
    __slots__ = ["freeze", "reason", "seconds"]
    FREEZE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    freeze: bool
    reason: str
    seconds: int
    def __init__(self, reason: _Optional[str] = ..., seconds: _Optional[int] = ..., freeze: bool = ...) -> None: ...

class QueuePause(_message.Message):
    __slots__ = ["by", "freeze", "paused_at_ms", "reason", "until_ms"]
    BY_FIELD_NUMBER: _ClassVar[int]
    FREEZE_FIELD_NUMBER: _ClassVar[int]
    PAUSED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    by: str
    freeze: bool
    paused_at_ms: int
    reason: str
    until_ms: int
    def __init__(self, reason: _Optional[str] = ..., by: _Optional[str] = ..., paused_at_ms: _Optional[int] = ..., until_ms: _Optional[int] = ..., freeze: bool = ...) -> None: ...

class QueueStatus(_message.Message):
    __slots__ = ["audio_ms_waiting", "breakers", "cancelled", "completed", "failed", "hold", "in_progress", "pause", "paused", "pending", "running", "scheduled", "waiting_high", "waiting_low", "waiting_medium", "workers"]
    AUDIO_MS_WAITING_FIELD_NUMBER: _ClassVar[int]
    BREAKERS_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_FIELD_NUMBER: _ClassVar[int]
    WAITING_HIGH_FIELD_NUMBER: _ClassVar[int]
    WAITING_LOW_FIELD_NUMBER: _ClassVar[int]
    WAITING_MEDIUM_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    audio_ms_waiting: int
    breakers: _containers.RepeatedCompositeFieldContainer[CircuitBreaker]
    cancelled: int
    completed: int
    failed: int
    hold: BackgroundHold
    in_progress: int
    pause: QueuePause
    paused: int
    pending: int
    running: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.Job]
    scheduled: int
    waiting_high: int
    waiting_low: int
    waiting_medium: int
    workers: _containers.RepeatedCompositeFieldContainer[WorkerStatus]
    def __init__(self, pending: _Optional[int] = ..., in_progress: _Optional[int] = ..., completed: _Optional[int] = ..., failed: _Optional[int] = ..., cancelled: _Optional[int] = ..., paused: _Optional[int] = ..., waiting_high: _Optional[int] = ..., waiting_medium: _Optional[int] = ..., waiting_low: _Optional[int] = ..., running: _Optional[_Iterable[_Union[_jobs_pb2.Job, _Mapping]]] = ..., workers: _Optional[_Iterable[_Union[WorkerStatus, _Mapping]]] = ..., scheduled: _Optional[int] = ..., audio_ms_waiting: _Optional[int] = ..., pause: _Optional[_Union[QueuePause, _Mapping]] = ..., hold: _Optional[_Union[BackgroundHold, _Mapping]] = ..., breakers: _Optional[_Iterable[_Union[CircuitBreaker, _Mapping]]] = ...) -> None: ...

class QueueStatusRequest(_message.Message):
    __slots__ = ["user_id"]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class RateJobRequest(_message.Message):
    __slots__ = ["job_id", "rating", "user_id"]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RATING_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    rating: _jobs_pb2.JobRating
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., job_id: _Optional[str] = ..., rating: _Optional[_Union[_jobs_pb2.JobRating, _Mapping]] = ...) -> None: ...

class ReprioritiseJobRequest(_message.Message):
    __slots__ = ["job_id", "priority", "user_id"]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    priority: _jobs_pb2.Priority
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., job_id: _Optional[str] = ..., priority: _Optional[_Union[_jobs_pb2.Priority, str]] = ...) -> None: ...

class ResumeQueueReply(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ResumeQueueRequest(_message.Message):
    __slots__ = ["reason"]
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class Statistics(_message.Message):
    __slots__ = ["days", "users", "users_with_background_analysis"]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    USERS_WITH_BACKGROUND_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    days: _containers.RepeatedCompositeFieldContainer[DayStatistics]
    users: int
    users_with_background_analysis: int
    def __init__(self, days: _Optional[_Iterable[_Union[DayStatistics, _Mapping]]] = ..., users: _Optional[int] = ..., users_with_background_analysis: _Optional[int] = ...) -> None: ...

class StatisticsRequest(_message.Message):
    __slots__ = ["days"]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    days: int
    def __init__(self, days: _Optional[int] = ...) -> None: ...

class Timeline(_message.Message):
    __slots__ = ["events", "is_cut", "next_page_token"]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    IS_CUT_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    is_cut: bool
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., is_cut: bool = ...) -> None: ...

class TimelineRequest(_message.Message):
    __slots__ = ["job_id", "limit", "page_token", "songs", "user_id"]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SONGS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    limit: int
    page_token: str
    songs: bool
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., job_id: _Optional[str] = ..., songs: bool = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class WorkerStatus(_message.Message):
    __slots__ = ["connected_at_ms", "diagnostics", "draining", "heartbeat_at_ms", "id", "interruptions", "lanes", "machine", "songs_analysed", "songs_failed", "suspended"]
    CONNECTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTIONS_FIELD_NUMBER: _ClassVar[int]
    LANES_FIELD_NUMBER: _ClassVar[int]
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SONGS_ANALYSED_FIELD_NUMBER: _ClassVar[int]
    SONGS_FAILED_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    connected_at_ms: int
    diagnostics: _workers_pb2.WorkerDiagnostics
    draining: bool
    heartbeat_at_ms: int
    id: str
    interruptions: int
    lanes: _containers.RepeatedScalarFieldContainer[str]
    machine: _workers_pb2.MachineLoad
    songs_analysed: int
    songs_failed: int
    suspended: int
    def __init__(self, id: _Optional[str] = ..., lanes: _Optional[_Iterable[str]] = ..., connected_at_ms: _Optional[int] = ..., heartbeat_at_ms: _Optional[int] = ..., songs_analysed: _Optional[int] = ..., songs_failed: _Optional[int] = ..., interruptions: _Optional[int] = ..., suspended: _Optional[int] = ..., diagnostics: _Optional[_Union[_workers_pb2.WorkerDiagnostics, _Mapping]] = ..., machine: _Optional[_Union[_workers_pb2.MachineLoad, _Mapping]] = ..., draining: bool = ...) -> None: ...

class EventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
