from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Frame(_message.Message):
    __slots__ = ["credit", "detail", "end", "has_message", "kind", "last_stream", "max_message_bytes", "max_streams", "metadata", "method", "payload", "retry_after_us", "status", "stream", "timeout_us", "version"]
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    CALL: Frame.Kind
    CANCEL: Frame.Kind
    CREDIT: Frame.Kind
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    END: Frame.Kind
    END_FIELD_NUMBER: _ClassVar[int]
    GOAWAY: Frame.Kind
    HAS_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HELLO: Frame.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    KIND_UNSPECIFIED: Frame.Kind
    LAST_STREAM_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAMS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE: Frame.Kind
    METADATA_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    PING: Frame.Kind
    PONG: Frame.Kind
    RETRY_AFTER_US_FIELD_NUMBER: _ClassVar[int]
    STATUS: Frame.Kind
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    credit: int
    detail: str
    end: bool
    has_message: bool
    kind: Frame.Kind
    last_stream: int
    max_message_bytes: int
    max_streams: int
    metadata: _containers.RepeatedCompositeFieldContainer[Header]
    method: str
    payload: bytes
    retry_after_us: int
    status: int
    stream: int
    timeout_us: int
    version: int
    def __init__(self, kind: _Optional[_Union[Frame.Kind, str]] = ..., stream: _Optional[int] = ..., payload: _Optional[bytes] = ..., has_message: bool = ..., end: bool = ..., method: _Optional[str] = ..., metadata: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., timeout_us: _Optional[int] = ..., status: _Optional[int] = ..., detail: _Optional[str] = ..., credit: _Optional[int] = ..., version: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., max_streams: _Optional[int] = ..., last_stream: _Optional[int] = ..., retry_after_us: _Optional[int] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ["name", "value"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: bytes
    def __init__(self, name: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
