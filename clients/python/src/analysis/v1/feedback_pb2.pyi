from analysis.v1 import jobs_pb2 as _jobs_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
THUMB_DOWN: Thumb
THUMB_UNSPECIFIED: Thumb
THUMB_UP: Thumb

class ListRatingsReply(_message.Message):
    __slots__ = ["next_page_token", "ratings"]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RATINGS_FIELD_NUMBER: _ClassVar[int]
    next_page_token: str
    ratings: _containers.RepeatedCompositeFieldContainer[Rating]
    def __init__(self, ratings: _Optional[_Iterable[_Union[Rating, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListRatingsRequest(_message.Message):
    __slots__ = ["limit", "page_token", "user_id"]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page_token: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class RateJobRequest(_message.Message):
    __slots__ = ["comment", "job_id", "thumb", "user_id"]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    THUMB_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    comment: str
    job_id: str
    thumb: Thumb
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., job_id: _Optional[str] = ..., thumb: _Optional[_Union[Thumb, str]] = ..., comment: _Optional[str] = ...) -> None: ...

class Rating(_message.Message):
    __slots__ = ["at_ms", "comment", "job_id", "state", "thumb", "type", "user_id"]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    THUMB_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    at_ms: int
    comment: str
    job_id: str
    state: _jobs_pb2.JobState
    thumb: Thumb
    type: _jobs_pb2.JobType
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., job_id: _Optional[str] = ..., thumb: _Optional[_Union[Thumb, str]] = ..., comment: _Optional[str] = ..., at_ms: _Optional[int] = ..., type: _Optional[_Union[_jobs_pb2.JobType, str]] = ..., state: _Optional[_Union[_jobs_pb2.JobState, str]] = ...) -> None: ...

class ReportWatchingReply(_message.Message):
    __slots__ = ["counted"]
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    counted: bool
    def __init__(self, counted: bool = ...) -> None: ...

class ReportWatchingRequest(_message.Message):
    __slots__ = ["user_id", "watched_ms"]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    WATCHED_MS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    watched_ms: int
    def __init__(self, user_id: _Optional[str] = ..., watched_ms: _Optional[int] = ...) -> None: ...

class Thumb(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
