from analysis.v1 import queue_pb2 as _queue_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AddLanesRequest(_message.Message):
    __slots__ = ["total"]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    total: int
    def __init__(self, total: _Optional[int] = ...) -> None: ...

class BackupEnd(_message.Message):
    __slots__ = ["sha256", "taken_at_ms"]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    TAKEN_AT_MS_FIELD_NUMBER: _ClassVar[int]
    sha256: bytes
    taken_at_ms: int
    def __init__(self, taken_at_ms: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class BackupHeader(_message.Message):
    __slots__ = ["format"]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    format: int
    def __init__(self, format: _Optional[int] = ...) -> None: ...

class BackupPart(_message.Message):
    __slots__ = ["data"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class BackupRecord(_message.Message):
    __slots__ = ["end", "header", "key"]
    END_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    end: BackupEnd
    header: BackupHeader
    key: StoredKey
    def __init__(self, header: _Optional[_Union[BackupHeader, _Mapping]] = ..., key: _Optional[_Union[StoredKey, _Mapping]] = ..., end: _Optional[_Union[BackupEnd, _Mapping]] = ...) -> None: ...

class BackupRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Damage(_message.Message):
    __slots__ = ["key", "repair", "what"]
    KEY_FIELD_NUMBER: _ClassVar[int]
    REPAIR_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    key: str
    repair: str
    what: str
    def __init__(self, key: _Optional[str] = ..., what: _Optional[str] = ..., repair: _Optional[str] = ...) -> None: ...

class DrainWorkerRequest(_message.Message):
    __slots__ = ["undo", "worker_id"]
    UNDO_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    undo: bool
    worker_id: str
    def __init__(self, worker_id: _Optional[str] = ..., undo: bool = ...) -> None: ...

class LaneStatus(_message.Message):
    __slots__ = ["id", "live_jobs", "worker_id"]
    ID_FIELD_NUMBER: _ClassVar[int]
    LIVE_JOBS_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    live_jobs: int
    worker_id: str
    def __init__(self, id: _Optional[str] = ..., worker_id: _Optional[str] = ..., live_jobs: _Optional[int] = ...) -> None: ...

class ListLanesReply(_message.Message):
    __slots__ = ["lanes"]
    LANES_FIELD_NUMBER: _ClassVar[int]
    lanes: _containers.RepeatedCompositeFieldContainer[LaneStatus]
    def __init__(self, lanes: _Optional[_Iterable[_Union[LaneStatus, _Mapping]]] = ...) -> None: ...

class ListLanesRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class MoveUserReply(_message.Message):
    __slots__ = ["from_lane", "keys", "live_jobs"]
    FROM_LANE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    LIVE_JOBS_FIELD_NUMBER: _ClassVar[int]
    from_lane: str
    keys: int
    live_jobs: int
    def __init__(self, from_lane: _Optional[str] = ..., live_jobs: _Optional[int] = ..., keys: _Optional[int] = ...) -> None: ...

class MoveUserRequest(_message.Message):
    __slots__ = ["lane", "user_id"]
    LANE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    lane: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., lane: _Optional[str] = ...) -> None: ...

class RestorePart(_message.Message):
    __slots__ = ["data", "replace"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    replace: bool
    def __init__(self, data: _Optional[bytes] = ..., replace: bool = ...) -> None: ...

class RestoreReply(_message.Message):
    __slots__ = ["keys", "taken_at_ms"]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    TAKEN_AT_MS_FIELD_NUMBER: _ClassVar[int]
    keys: int
    taken_at_ms: int
    def __init__(self, keys: _Optional[int] = ..., taken_at_ms: _Optional[int] = ...) -> None: ...

class StoredKey(_message.Message):
    __slots__ = ["continues", "expires_at_ms", "name", "value"]
    CONTINUES_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_MS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    continues: bool
    expires_at_ms: int
    name: bytes
    value: bytes
    def __init__(self, name: _Optional[bytes] = ..., value: _Optional[bytes] = ..., expires_at_ms: _Optional[int] = ..., continues: bool = ...) -> None: ...

class VerifyReport(_message.Message):
    __slots__ = ["damage", "keys", "lane"]
    DAMAGE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    damage: _containers.RepeatedCompositeFieldContainer[Damage]
    keys: int
    lane: str
    def __init__(self, lane: _Optional[str] = ..., damage: _Optional[_Iterable[_Union[Damage, _Mapping]]] = ..., keys: _Optional[int] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ["lane", "repair"]
    LANE_FIELD_NUMBER: _ClassVar[int]
    REPAIR_FIELD_NUMBER: _ClassVar[int]
    lane: str
    repair: bool
    def __init__(self, lane: _Optional[str] = ..., repair: bool = ...) -> None: ...
