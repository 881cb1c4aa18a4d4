from analysis.v1 import analyzer_pb2 as _analyzer_pb2
from analysis.v1 import jobs_pb2 as _jobs_pb2
from analysis.v1 import metrics_pb2 as _metrics_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

ANALYZER_ACTIVITY_ANALYZING: AnalyzerActivity
ANALYZER_ACTIVITY_IDLE: AnalyzerActivity
ANALYZER_ACTIVITY_PROBING: AnalyzerActivity
ANALYZER_ACTIVITY_STARTING: AnalyzerActivity
ANALYZER_ACTIVITY_UNSPECIFIED: AnalyzerActivity
DESCRIPTOR: _descriptor.FileDescriptor
FAILURE_KIND_CRASHED: FailureKind
FAILURE_KIND_LIMIT: FailureKind
FAILURE_KIND_MISSING: FailureKind
FAILURE_KIND_REFUSED: FailureKind
FAILURE_KIND_TIMED_OUT: FailureKind
FAILURE_KIND_UNREADABLE: FailureKind
FAILURE_KIND_UNSPECIFIED: FailureKind

class Analysed(_message.Message):
    __slots__ = ["results"]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.AnalysisResult]
    def __init__(self, results: _Optional[_Iterable[_Union[_jobs_pb2.AnalysisResult, _Mapping]]] = ...) -> None: ...

class AnalyzerProcess(_message.Message):
    __slots__ = ["activity", "analyzer", "fraction", "frozen", "memory_bytes", "pid", "since_ms", "song_id", "stuck_since_ms"]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    ANALYZER_FIELD_NUMBER: _ClassVar[int]
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    SONG_ID_FIELD_NUMBER: _ClassVar[int]
    STUCK_SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    activity: AnalyzerActivity
    analyzer: str
    fraction: float
    frozen: bool
    memory_bytes: int
    pid: int
    since_ms: int
    song_id: str
    stuck_since_ms: int
    def __init__(self, analyzer: _Optional[str] = ..., pid: _Optional[int] = ..., activity: _Optional[_Union[AnalyzerActivity, str]] = ..., frozen: bool = ..., since_ms: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., song_id: _Optional[str] = ..., fraction: _Optional[float] = ..., stuck_since_ms: _Optional[int] = ...) -> None: ...

class Assignment(_message.Message):
    __slots__ = ["analyzers", "claim", "cursor", "epoch", "force", "job_id", "priority", "song", "total", "traceparent", "user_id"]
    ANALYZERS_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    SONG_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    analyzers: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.AnalyzerVersion]
    claim: bytes
    cursor: int
    epoch: int
    force: bool
    job_id: str
    priority: _jobs_pb2.Priority
    song: _jobs_pb2.Song
    total: int
    traceparent: str
    user_id: str
    def __init__(self, job_id: _Optional[str] = ..., epoch: _Optional[int] = ..., claim: _Optional[bytes] = ..., user_id: _Optional[str] = ..., priority: _Optional[_Union[_jobs_pb2.Priority, str]] = ..., song: _Optional[_Union[_jobs_pb2.Song, _Mapping]] = ..., analyzers: _Optional[_Iterable[_Union[_jobs_pb2.AnalyzerVersion, _Mapping]]] = ..., cursor: _Optional[int] = ..., total: _Optional[int] = ..., force: bool = ..., traceparent: _Optional[str] = ...) -> None: ...

class Discard(_message.Message):
    __slots__ = ["epoch", "job_id", "lane"]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    job_id: str
    lane: str
    def __init__(self, lane: _Optional[str] = ..., job_id: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class ExchangeReply(_message.Message):
    __slots__ = ["assignment"]
    ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    assignment: Assignment
    def __init__(self, assignment: _Optional[_Union[Assignment, _Mapping]] = ...) -> None: ...

class ExchangeRequest(_message.Message):
    __slots__ = ["claim", "item", "lane", "lease", "worker_id"]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    claim: bool
    item: ItemReport
    lane: str
    lease: bytes
    worker_id: str
    def __init__(self, worker_id: _Optional[str] = ..., lane: _Optional[str] = ..., lease: _Optional[bytes] = ..., item: _Optional[_Union[ItemReport, _Mapping]] = ..., claim: bool = ...) -> None: ...

class Failed(_message.Message):
    __slots__ = ["analyzer", "kind", "reason", "results"]
    ANALYZER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    analyzer: str
    kind: FailureKind
    reason: str
    results: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.AnalysisResult]
    def __init__(self, reason: _Optional[str] = ..., kind: _Optional[_Union[FailureKind, str]] = ..., results: _Optional[_Iterable[_Union[_jobs_pb2.AnalysisResult, _Mapping]]] = ..., analyzer: _Optional[str] = ...) -> None: ...

class FindResultReply(_message.Message):
    __slots__ = ["result"]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _jobs_pb2.AnalysisResult
    def __init__(self, result: _Optional[_Union[_jobs_pb2.AnalysisResult, _Mapping]] = ...) -> None: ...

class FindResultRequest(_message.Message):
    __slots__ = ["analyzer", "file_hash"]
    ANALYZER_FIELD_NUMBER: _ClassVar[int]
    FILE_HASH_FIELD_NUMBER: _ClassVar[int]
    analyzer: _jobs_pb2.AnalyzerVersion
    file_hash: bytes
    def __init__(self, analyzer: _Optional[_Union[_jobs_pb2.AnalyzerVersion, _Mapping]] = ..., file_hash: _Optional[bytes] = ...) -> None: ...

class HeldItem(_message.Message):
    __slots__ = ["claim", "epoch", "job_id", "lane", "running"]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    claim: bytes
    epoch: int
    job_id: str
    lane: str
    running: bool
    def __init__(self, lane: _Optional[str] = ..., job_id: _Optional[str] = ..., epoch: _Optional[int] = ..., claim: _Optional[bytes] = ..., running: bool = ...) -> None: ...

class ItemReport(_message.Message):
    __slots__ = ["analysed", "claim", "credited", "epoch", "failed", "job_id", "released", "suspended"]
    ANALYSED_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    CREDITED_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    analysed: Analysed
    claim: bytes
    credited: _containers.RepeatedScalarFieldContainer[str]
    epoch: int
    failed: Failed
    job_id: str
    released: Released
    suspended: Suspended
    def __init__(self, job_id: _Optional[str] = ..., epoch: _Optional[int] = ..., claim: _Optional[bytes] = ..., analysed: _Optional[_Union[Analysed, _Mapping]] = ..., failed: _Optional[_Union[Failed, _Mapping]] = ..., suspended: _Optional[_Union[Suspended, _Mapping]] = ..., released: _Optional[_Union[Released, _Mapping]] = ..., credited: _Optional[_Iterable[str]] = ...) -> None: ...

class LaneGranted(_message.Message):
    __slots__ = ["answers", "kept", "lane", "lease", "lease_ms"]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    answers: int
    kept: _containers.RepeatedCompositeFieldContainer[HeldItem]
    lane: str
    lease: bytes
    lease_ms: int
    def __init__(self, lane: _Optional[str] = ..., lease: _Optional[bytes] = ..., lease_ms: _Optional[int] = ..., kept: _Optional[_Iterable[_Union[HeldItem, _Mapping]]] = ..., answers: _Optional[int] = ...) -> None: ...

class LaneRevoked(_message.Message):
    __slots__ = ["lane"]
    LANE_FIELD_NUMBER: _ClassVar[int]
    lane: str
    def __init__(self, lane: _Optional[str] = ...) -> None: ...

class LanesRenewed(_message.Message):
    __slots__ = ["answers", "lanes", "lease_ms"]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    LANES_FIELD_NUMBER: _ClassVar[int]
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    answers: int
    lanes: _containers.RepeatedScalarFieldContainer[str]
    lease_ms: int
    def __init__(self, lanes: _Optional[_Iterable[str]] = ..., lease_ms: _Optional[int] = ..., answers: _Optional[int] = ...) -> None: ...

class MachineLoad(_message.Message):
    __slots__ = ["load_per_core", "memory_available"]
    LOAD_PER_CORE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    load_per_core: float
    memory_available: float
    def __init__(self, load_per_core: _Optional[float] = ..., memory_available: _Optional[float] = ...) -> None: ...

class Preempt(_message.Message):
    __slots__ = ["epoch", "job_id", "lane", "pause"]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    job_id: str
    lane: str
    pause: bool
    def __init__(self, lane: _Optional[str] = ..., epoch: _Optional[int] = ..., pause: bool = ..., job_id: _Optional[str] = ...) -> None: ...

class ProbeReport(_message.Message):
    __slots__ = ["failure", "files", "probe_id"]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    PROBE_ID_FIELD_NUMBER: _ClassVar[int]
    failure: str
    files: _containers.RepeatedCompositeFieldContainer[_analyzer_pb2.ProbedFile]
    probe_id: str
    def __init__(self, probe_id: _Optional[str] = ..., files: _Optional[_Iterable[_Union[_analyzer_pb2.ProbedFile, _Mapping]]] = ..., failure: _Optional[str] = ...) -> None: ...

class ProbeReportReply(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ProbeRequest(_message.Message):
    __slots__ = ["folder", "known", "probe_id"]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    PROBE_ID_FIELD_NUMBER: _ClassVar[int]
    folder: str
    known: bytes
    probe_id: str
    def __init__(self, probe_id: _Optional[str] = ..., folder: _Optional[str] = ..., known: _Optional[bytes] = ...) -> None: ...

class Released(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Suspended(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Wake(_message.Message):
    __slots__ = ["lane"]
    LANE_FIELD_NUMBER: _ClassVar[int]
    lane: str
    def __init__(self, lane: _Optional[str] = ...) -> None: ...

class WorkerCommand(_message.Message):
    __slots__ = ["discard", "lane_granted", "lane_revoked", "lanes_renewed", "preempt", "probe", "wake"]
    DISCARD_FIELD_NUMBER: _ClassVar[int]
    LANES_RENEWED_FIELD_NUMBER: _ClassVar[int]
    LANE_GRANTED_FIELD_NUMBER: _ClassVar[int]
    LANE_REVOKED_FIELD_NUMBER: _ClassVar[int]
    PREEMPT_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    WAKE_FIELD_NUMBER: _ClassVar[int]
    discard: Discard
    lane_granted: LaneGranted
    lane_revoked: LaneRevoked
    lanes_renewed: LanesRenewed
    preempt: Preempt
    probe: ProbeRequest
    wake: Wake
    def __init__(self, lane_granted: _Optional[_Union[LaneGranted, _Mapping]] = ..., lane_revoked: _Optional[_Union[LaneRevoked, _Mapping]] = ..., lanes_renewed: _Optional[_Union[LanesRenewed, _Mapping]] = ..., wake: _Optional[_Union[Wake, _Mapping]] = ..., preempt: _Optional[_Union[Preempt, _Mapping]] = ..., discard: _Optional[_Union[Discard, _Mapping]] = ..., probe: _Optional[_Union[ProbeRequest, _Mapping]] = ...) -> None: ...

class WorkerDiagnostics(_message.Message):
    __slots__ = ["last_errors", "processes"]
    LAST_ERRORS_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    last_errors: _containers.RepeatedCompositeFieldContainer[WorkerError]
    processes: _containers.RepeatedCompositeFieldContainer[AnalyzerProcess]
    def __init__(self, processes: _Optional[_Iterable[_Union[AnalyzerProcess, _Mapping]]] = ..., last_errors: _Optional[_Iterable[_Union[WorkerError, _Mapping]]] = ...) -> None: ...

class WorkerError(_message.Message):
    __slots__ = ["analyzer", "at_ms", "reason", "song_id"]
    ANALYZER_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SONG_ID_FIELD_NUMBER: _ClassVar[int]
    analyzer: str
    at_ms: int
    reason: str
    song_id: str
    def __init__(self, at_ms: _Optional[int] = ..., analyzer: _Optional[str] = ..., song_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class WorkerMessage(_message.Message):
    __slots__ = ["analyzers", "diagnostics", "draining", "held", "interruptions", "lanes_wanted", "machine", "metrics", "sequence", "songs_analysed", "songs_failed", "worker_id"]
    ANALYZERS_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTIONS_FIELD_NUMBER: _ClassVar[int]
    LANES_WANTED_FIELD_NUMBER: _ClassVar[int]
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SONGS_ANALYSED_FIELD_NUMBER: _ClassVar[int]
    SONGS_FAILED_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    analyzers: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.AnalyzerVersion]
    diagnostics: WorkerDiagnostics
    draining: bool
    held: _containers.RepeatedCompositeFieldContainer[HeldItem]
    interruptions: int
    lanes_wanted: int
    machine: MachineLoad
    metrics: _metrics_pb2.ProcessMetrics
    sequence: int
    songs_analysed: int
    songs_failed: int
    worker_id: str
    def __init__(self, worker_id: _Optional[str] = ..., lanes_wanted: _Optional[int] = ..., held: _Optional[_Iterable[_Union[HeldItem, _Mapping]]] = ..., analyzers: _Optional[_Iterable[_Union[_jobs_pb2.AnalyzerVersion, _Mapping]]] = ..., songs_analysed: _Optional[int] = ..., songs_failed: _Optional[int] = ..., interruptions: _Optional[int] = ..., draining: bool = ..., sequence: _Optional[int] = ..., diagnostics: _Optional[_Union[WorkerDiagnostics, _Mapping]] = ..., machine: _Optional[_Union[MachineLoad, _Mapping]] = ..., metrics: _Optional[_Union[_metrics_pb2.ProcessMetrics, _Mapping]] = ...) -> None: ...

class AnalyzerActivity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class FailureKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
