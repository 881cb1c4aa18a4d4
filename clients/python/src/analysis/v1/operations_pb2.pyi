from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
LOG_LEVEL_CRITICAL: LogLevel
LOG_LEVEL_DEBUG: LogLevel
LOG_LEVEL_ERROR: LogLevel
LOG_LEVEL_INFO: LogLevel
LOG_LEVEL_NOTICE: LogLevel
LOG_LEVEL_TRACE: LogLevel
LOG_LEVEL_UNSPECIFIED: LogLevel
LOG_LEVEL_WARNING: LogLevel

class GetLogLevelsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class LogLevelSetting(_message.Message):
    __slots__ = ["label", "level", "until_ms"]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    label: str
    level: LogLevel
    until_ms: int
    def __init__(self, label: _Optional[str] = ..., level: _Optional[_Union[LogLevel, str]] = ..., until_ms: _Optional[int] = ...) -> None: ...

class LogLevels(_message.Message):
    __slots__ = ["process", "settings", "started_with"]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    STARTED_WITH_FIELD_NUMBER: _ClassVar[int]
    process: str
    settings: _containers.RepeatedCompositeFieldContainer[LogLevelSetting]
    started_with: LogLevel
    def __init__(self, process: _Optional[str] = ..., started_with: _Optional[_Union[LogLevel, str]] = ..., settings: _Optional[_Iterable[_Union[LogLevelSetting, _Mapping]]] = ...) -> None: ...

class SetLogLevelRequest(_message.Message):
    __slots__ = ["label", "level", "seconds"]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    label: str
    level: LogLevel
    seconds: int
    def __init__(self, label: _Optional[str] = ..., level: _Optional[_Union[LogLevel, str]] = ..., seconds: _Optional[int] = ...) -> None: ...

class LogLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
