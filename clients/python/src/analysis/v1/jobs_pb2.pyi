from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
JOB_STATE_CANCELLED: JobState
JOB_STATE_COMPLETED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_INTERRUPTED: JobState
JOB_STATE_IN_PROGRESS: JobState
JOB_STATE_PAUSED: JobState
JOB_STATE_PENDING: JobState
JOB_STATE_SCHEDULED: JobState
JOB_STATE_UNSPECIFIED: JobState
JOB_TYPE_BACKGROUND: JobType
JOB_TYPE_PLAYLIST: JobType
JOB_TYPE_SONG: JobType
JOB_TYPE_UNSPECIFIED: JobType
PRIORITY_HIGH: Priority
PRIORITY_LOW: Priority
PRIORITY_MEDIUM: Priority
PRIORITY_UNSPECIFIED: Priority
THUMB_DOWN: Thumb
THUMB_UNSPECIFIED: Thumb
THUMB_UP: Thumb

class AnalysisResult(_message.Message):
    __slots__ = ["analyzer", "created_at_ms", "identity", "json", "took_ms"]
    ANALYZER_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    TOOK_MS_FIELD_NUMBER: _ClassVar[int]
    analyzer: AnalyzerVersion
    created_at_ms: int
    identity: AudioIdentity
    json: bytes
    took_ms: int
    def __init__(self, analyzer: _Optional[_Union[AnalyzerVersion, _Mapping]] = ..., json: _Optional[bytes] = ..., took_ms: _Optional[int] = ..., created_at_ms: _Optional[int] = ..., identity: _Optional[_Union[AudioIdentity, _Mapping]] = ...) -> None: ...

class AnalyzerVersion(_message.Message):
    __slots__ = ["name", "version"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class Attribute(_message.Message):
    __slots__ = ["name", "value"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class AudioIdentity(_message.Message):
    __slots__ = ["audio_hash", "duration_ms", "file_hash", "fingerprint"]
    AUDIO_HASH_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    FILE_HASH_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    audio_hash: bytes
    duration_ms: int
    file_hash: bytes
    fingerprint: bytes
    def __init__(self, file_hash: _Optional[bytes] = ..., audio_hash: _Optional[bytes] = ..., duration_ms: _Optional[int] = ..., fingerprint: _Optional[bytes] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ["analysed", "audio_done_ms", "audio_ms", "batch", "created_at_ms", "cursor", "due_at_ms", "ended_at_ms", "epoch", "error", "failed", "failures", "force", "id", "lane", "left", "priority", "rating", "retrying", "sequence", "skipped", "song_id", "started_at_ms", "state", "target_id", "total", "traceparent", "type", "user_id", "waits_for"]
    ANALYSED_FIELD_NUMBER: _ClassVar[int]
    AUDIO_DONE_MS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_MS_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    RATING_FIELD_NUMBER: _ClassVar[int]
    RETRYING_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    SONG_ID_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    WAITS_FOR_FIELD_NUMBER: _ClassVar[int]
    analysed: int
    audio_done_ms: int
    audio_ms: int
    batch: int
    created_at_ms: int
    cursor: int
    due_at_ms: int
    ended_at_ms: int
    epoch: int
    error: str
    failed: int
    failures: _containers.RepeatedCompositeFieldContainer[SongFailure]
    force: bool
    id: str
    lane: str
    left: int
    priority: Priority
    rating: JobRating
    retrying: int
    sequence: int
    skipped: int
    song_id: str
    started_at_ms: int
    state: JobState
    target_id: str
    total: int
    traceparent: str
    type: JobType
    user_id: str
    waits_for: str
    def __init__(self, id: _Optional[str] = ..., lane: _Optional[str] = ..., user_id: _Optional[str] = ..., type: _Optional[_Union[JobType, str]] = ..., priority: _Optional[_Union[Priority, str]] = ..., state: _Optional[_Union[JobState, str]] = ..., target_id: _Optional[str] = ..., force: bool = ..., sequence: _Optional[int] = ..., epoch: _Optional[int] = ..., total: _Optional[int] = ..., cursor: _Optional[int] = ..., analysed: _Optional[int] = ..., skipped: _Optional[int] = ..., failed: _Optional[int] = ..., audio_ms: _Optional[int] = ..., audio_done_ms: _Optional[int] = ..., song_id: _Optional[str] = ..., created_at_ms: _Optional[int] = ..., started_at_ms: _Optional[int] = ..., ended_at_ms: _Optional[int] = ..., error: _Optional[str] = ..., failures: _Optional[_Iterable[_Union[SongFailure, _Mapping]]] = ..., due_at_ms: _Optional[int] = ..., waits_for: _Optional[str] = ..., retrying: _Optional[int] = ..., traceparent: _Optional[str] = ..., rating: _Optional[_Union[JobRating, _Mapping]] = ..., batch: _Optional[int] = ..., left: _Optional[int] = ...) -> None: ...

class JobRating(_message.Message):
    __slots__ = ["comment", "rated_at_ms", "thumb"]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    RATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    THUMB_FIELD_NUMBER: _ClassVar[int]
    comment: str
    rated_at_ms: int
    thumb: Thumb
    def __init__(self, thumb: _Optional[_Union[Thumb, str]] = ..., comment: _Optional[str] = ..., rated_at_ms: _Optional[int] = ...) -> None: ...

class Song(_message.Message):
    __slots__ = ["added_at_ms", "album", "artist", "attributes", "duration_ms", "id", "location", "title", "track"]
    ADDED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ALBUM_FIELD_NUMBER: _ClassVar[int]
    ARTIST_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    added_at_ms: int
    album: str
    artist: str
    attributes: _containers.RepeatedCompositeFieldContainer[Attribute]
    duration_ms: int
    id: str
    location: str
    title: str
    track: int
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., artist: _Optional[str] = ..., album: _Optional[str] = ..., duration_ms: _Optional[int] = ..., location: _Optional[str] = ..., added_at_ms: _Optional[int] = ..., attributes: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ..., track: _Optional[int] = ...) -> None: ...

class SongFailure(_message.Message):
    __slots__ = ["reason", "song_id"]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SONG_ID_FIELD_NUMBER: _ClassVar[int]
    reason: str
    song_id: str
    def __init__(self, song_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class JobType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Thumb(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
