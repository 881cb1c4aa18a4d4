from analysis.v1 import jobs_pb2 as _jobs_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Accuracy(_message.Message):
    __slots__ = ["by_fraction", "from_first_tenth"]
    BY_FRACTION_FIELD_NUMBER: _ClassVar[int]
    FROM_FIRST_TENTH_FIELD_NUMBER: _ClassVar[int]
    by_fraction: _containers.RepeatedCompositeFieldContainer[AccuracyByFraction]
    from_first_tenth: AccuracyByFraction
    def __init__(self, by_fraction: _Optional[_Iterable[_Union[AccuracyByFraction, _Mapping]]] = ..., from_first_tenth: _Optional[_Union[AccuracyByFraction, _Mapping]] = ...) -> None: ...

class AccuracyByFraction(_message.Message):
    __slots__ = ["adjusted", "estimates", "to", "unadjusted"]
    ADJUSTED_FIELD_NUMBER: _ClassVar[int]
    ESTIMATES_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    UNADJUSTED_FIELD_NUMBER: _ClassVar[int]
    adjusted: EstimateErrors
    estimates: int
    to: float
    unadjusted: EstimateErrors
    def __init__(self, to: _Optional[float] = ..., estimates: _Optional[int] = ..., adjusted: _Optional[_Union[EstimateErrors, _Mapping]] = ..., unadjusted: _Optional[_Union[EstimateErrors, _Mapping]] = ..., **kwargs) -> None: ...

class AccuracyRequest(_message.Message):
    __slots__ = ["days"]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    days: int
    def __init__(self, days: _Optional[int] = ...) -> None: ...

class EstimateErrors(_message.Message):
    __slots__ = ["median", "median_absolute", "p90_absolute", "within_target"]
    MEDIAN_ABSOLUTE_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    P90_ABSOLUTE_FIELD_NUMBER: _ClassVar[int]
    WITHIN_TARGET_FIELD_NUMBER: _ClassVar[int]
    median: float
    median_absolute: float
    p90_absolute: float
    within_target: float
    def __init__(self, median: _Optional[float] = ..., median_absolute: _Optional[float] = ..., p90_absolute: _Optional[float] = ..., within_target: _Optional[float] = ...) -> None: ...

class ListActiveReply(_message.Message):
    __slots__ = ["jobs"]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[ProgressView]
    def __init__(self, jobs: _Optional[_Iterable[_Union[ProgressView, _Mapping]]] = ...) -> None: ...

class ListActiveRequest(_message.Message):
    __slots__ = ["user_id"]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class ProgressContext(_message.Message):
    __slots__ = ["job_id", "library", "playlist_id"]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LIBRARY_FIELD_NUMBER: _ClassVar[int]
    PLAYLIST_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    library: bool
    playlist_id: str
    def __init__(self, job_id: _Optional[str] = ..., playlist_id: _Optional[str] = ..., library: bool = ...) -> None: ...

class ProgressReport(_message.Message):
    __slots__ = ["analyzers", "epoch", "fraction", "job_id", "lane", "running_ms", "song_id", "stage", "worker_id"]
    ANALYZERS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    RUNNING_MS_FIELD_NUMBER: _ClassVar[int]
    SONG_ID_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    analyzers: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.AnalyzerVersion]
    epoch: int
    fraction: float
    job_id: str
    lane: str
    running_ms: int
    song_id: str
    stage: str
    worker_id: str
    def __init__(self, worker_id: _Optional[str] = ..., lane: _Optional[str] = ..., job_id: _Optional[str] = ..., epoch: _Optional[int] = ..., song_id: _Optional[str] = ..., fraction: _Optional[float] = ..., stage: _Optional[str] = ..., running_ms: _Optional[int] = ..., analyzers: _Optional[_Iterable[_Union[_jobs_pb2.AnalyzerVersion, _Mapping]]] = ...) -> None: ...

class ProgressRequest(_message.Message):
    __slots__ = ["context", "user_id"]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    context: ProgressContext
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., context: _Optional[_Union[ProgressContext, _Mapping]] = ...) -> None: ...

class ProgressView(_message.Message):
    __slots__ = ["analysed", "basis", "context", "ended", "eta_ms", "failed", "fraction", "in_progress", "job", "position", "song", "song_fraction", "stage", "starts_in_ms", "suspension", "total", "updated_at_ms", "version", "waiting_for"]
    ANALYSED_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    ETA_MS_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SONG_FIELD_NUMBER: _ClassVar[int]
    SONG_FRACTION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    STARTS_IN_MS_FIELD_NUMBER: _ClassVar[int]
    SUSPENSION_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WAITING_FOR_FIELD_NUMBER: _ClassVar[int]
    analysed: int
    basis: int
    context: ProgressContext
    ended: bool
    eta_ms: int
    failed: int
    fraction: float
    in_progress: int
    job: _jobs_pb2.Job
    position: int
    song: _jobs_pb2.Song
    song_fraction: float
    stage: str
    starts_in_ms: int
    suspension: Suspension
    total: int
    updated_at_ms: int
    version: int
    waiting_for: str
    def __init__(self, context: _Optional[_Union[ProgressContext, _Mapping]] = ..., version: _Optional[int] = ..., basis: _Optional[int] = ..., fraction: _Optional[float] = ..., total: _Optional[int] = ..., analysed: _Optional[int] = ..., failed: _Optional[int] = ..., in_progress: _Optional[int] = ..., eta_ms: _Optional[int] = ..., job: _Optional[_Union[_jobs_pb2.Job, _Mapping]] = ..., song: _Optional[_Union[_jobs_pb2.Song, _Mapping]] = ..., song_fraction: _Optional[float] = ..., stage: _Optional[str] = ..., position: _Optional[int] = ..., waiting_for: _Optional[str] = ..., ended: bool = ..., updated_at_ms: _Optional[int] = ..., suspension: _Optional[_Union[Suspension, _Mapping]] = ..., starts_in_ms: _Optional[int] = ...) -> None: ...

class ReportReply(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Suspension(_message.Message):
    __slots__ = ["by", "resumes_in_ms", "since_ms"]
    BY_FIELD_NUMBER: _ClassVar[int]
    RESUMES_IN_MS_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    by: str
    resumes_in_ms: int
    since_ms: int
    def __init__(self, by: _Optional[str] = ..., since_ms: _Optional[int] = ..., resumes_in_ms: _Optional[int] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ["active_jobs", "contexts", "since_version", "user_id"]
    ACTIVE_JOBS_FIELD_NUMBER: _ClassVar[int]
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    SINCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    active_jobs: bool
    contexts: _containers.RepeatedCompositeFieldContainer[ProgressContext]
    since_version: int
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., contexts: _Optional[_Iterable[_Union[ProgressContext, _Mapping]]] = ..., active_jobs: bool = ..., since_version: _Optional[int] = ...) -> None: ...
