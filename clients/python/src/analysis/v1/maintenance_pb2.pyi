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

class Damage(_message.Message):
    __slots__ = ["key", "repair", "what"]
    KEY_FIELD_NUMBER: _ClassVar[int]
    REPAIR_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    key: str
    repair: str
    what: str
    def __init__(self, key: _Optional[str] = ..., what: _Optional[str] = ..., repair: _Optional[str] = ...) -> None: ...

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
