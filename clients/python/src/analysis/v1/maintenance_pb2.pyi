from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Damage(_message.Message):
    __slots__ = ["key", "repair", "what"]
    KEY_FIELD_NUMBER: _ClassVar[int]
    REPAIR_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    key: str
    repair: str
    what: str
    def __init__(self, key: _Optional[str] = ..., what: _Optional[str] = ..., repair: _Optional[str] = ...) -> None: ...

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
