from analysis.v1 import jobs_pb2 as _jobs_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
REJECTION_KIND_LIMIT: RejectionKind
REJECTION_KIND_MISSING: RejectionKind
REJECTION_KIND_REFUSED: RejectionKind
REJECTION_KIND_UNREADABLE: RejectionKind
REJECTION_KIND_UNSPECIFIED: RejectionKind

class Analyze(_message.Message):
    __slots__ = ["path", "roots", "song", "traceparent"]
    PATH_FIELD_NUMBER: _ClassVar[int]
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    SONG_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    path: str
    roots: _containers.RepeatedScalarFieldContainer[str]
    song: _jobs_pb2.Song
    traceparent: str
    def __init__(self, song: _Optional[_Union[_jobs_pb2.Song, _Mapping]] = ..., path: _Optional[str] = ..., roots: _Optional[_Iterable[str]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class AnalyzeProgress(_message.Message):
    __slots__ = ["fraction", "stage"]
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    stage: str
    def __init__(self, fraction: _Optional[float] = ..., stage: _Optional[str] = ...) -> None: ...

class Analyzed(_message.Message):
    __slots__ = ["identity", "json"]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    identity: _jobs_pb2.AudioIdentity
    json: bytes
    def __init__(self, json: _Optional[bytes] = ..., identity: _Optional[_Union[_jobs_pb2.AudioIdentity, _Mapping]] = ...) -> None: ...

class AnalyzerReply(_message.Message):
    __slots__ = ["analyzed", "identified", "probe_ended", "probed", "progress", "ready", "rejected", "skipped"]
    ANALYZED_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIED_FIELD_NUMBER: _ClassVar[int]
    PROBED_FIELD_NUMBER: _ClassVar[int]
    PROBE_ENDED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    analyzed: Analyzed
    identified: Identified
    probe_ended: ProbeEnded
    probed: Probed
    progress: AnalyzeProgress
    ready: Ready
    rejected: Rejected
    skipped: Skipped
    def __init__(self, ready: _Optional[_Union[Ready, _Mapping]] = ..., progress: _Optional[_Union[AnalyzeProgress, _Mapping]] = ..., analyzed: _Optional[_Union[Analyzed, _Mapping]] = ..., rejected: _Optional[_Union[Rejected, _Mapping]] = ..., probed: _Optional[_Union[Probed, _Mapping]] = ..., probe_ended: _Optional[_Union[ProbeEnded, _Mapping]] = ..., identified: _Optional[_Union[Identified, _Mapping]] = ..., skipped: _Optional[_Union[Skipped, _Mapping]] = ...) -> None: ...

class AnalyzerRequest(_message.Message):
    __slots__ = ["analyze", "ping", "probe", "proceed", "skip"]
    ANALYZE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    PROCEED_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    analyze: Analyze
    ping: Ping
    probe: Probe
    proceed: Proceed
    skip: Skip
    def __init__(self, analyze: _Optional[_Union[Analyze, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., probe: _Optional[_Union[Probe, _Mapping]] = ..., proceed: _Optional[_Union[Proceed, _Mapping]] = ..., skip: _Optional[_Union[Skip, _Mapping]] = ...) -> None: ...

class Identified(_message.Message):
    __slots__ = ["file_hash"]
    FILE_HASH_FIELD_NUMBER: _ClassVar[int]
    file_hash: bytes
    def __init__(self, file_hash: _Optional[bytes] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ["lease_ms"]
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    lease_ms: int
    def __init__(self, lease_ms: _Optional[int] = ...) -> None: ...

class Probe(_message.Message):
    __slots__ = ["folder", "known", "roots"]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    folder: str
    known: bytes
    roots: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, roots: _Optional[_Iterable[str]] = ..., folder: _Optional[str] = ..., known: _Optional[bytes] = ...) -> None: ...

class ProbeEnded(_message.Message):
    __slots__ = ["failure"]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    failure: str
    def __init__(self, failure: _Optional[str] = ...) -> None: ...

class Probed(_message.Message):
    __slots__ = ["files"]
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[ProbedFile]
    def __init__(self, files: _Optional[_Iterable[_Union[ProbedFile, _Mapping]]] = ...) -> None: ...

class ProbedFile(_message.Message):
    __slots__ = ["album", "artist", "bytes", "duration_ms", "is_known", "location", "modified_at_ms", "title", "track"]
    ALBUM_FIELD_NUMBER: _ClassVar[int]
    ARTIST_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    IS_KNOWN_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    album: str
    artist: str
    bytes: int
    duration_ms: int
    is_known: bool
    location: str
    modified_at_ms: int
    title: str
    track: int
    def __init__(self, location: _Optional[str] = ..., title: _Optional[str] = ..., artist: _Optional[str] = ..., album: _Optional[str] = ..., track: _Optional[int] = ..., duration_ms: _Optional[int] = ..., modified_at_ms: _Optional[int] = ..., bytes: _Optional[int] = ..., is_known: bool = ...) -> None: ...

class Proceed(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Ready(_message.Message):
    __slots__ = ["analyzer"]
    ANALYZER_FIELD_NUMBER: _ClassVar[int]
    analyzer: _jobs_pb2.AnalyzerVersion
    def __init__(self, analyzer: _Optional[_Union[_jobs_pb2.AnalyzerVersion, _Mapping]] = ...) -> None: ...

class Rejected(_message.Message):
    __slots__ = ["kind", "reason"]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    kind: RejectionKind
    reason: str
    def __init__(self, reason: _Optional[str] = ..., kind: _Optional[_Union[RejectionKind, str]] = ...) -> None: ...

class Skip(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Skipped(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class RejectionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
