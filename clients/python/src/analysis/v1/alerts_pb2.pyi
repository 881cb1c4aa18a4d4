from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

ALERT_KIND_ANALYZER_FAILING: AlertKind
ALERT_KIND_CIRCUIT_OPEN: AlertKind
ALERT_KIND_FAILURE_RATE: AlertKind
ALERT_KIND_NO_WORKER: AlertKind
ALERT_KIND_OLDEST_WAIT: AlertKind
ALERT_KIND_QUEUE_BACKED_UP: AlertKind
ALERT_KIND_REDIS_AWAY: AlertKind
ALERT_KIND_REDIS_MEMORY: AlertKind
ALERT_KIND_SONG_FAILING: AlertKind
ALERT_KIND_UNSPECIFIED: AlertKind
ALERT_KIND_WORKER_STUCK: AlertKind
ALERT_SEVERITY_CRITICAL: AlertSeverity
ALERT_SEVERITY_UNSPECIFIED: AlertSeverity
ALERT_SEVERITY_WARNING: AlertSeverity
DESCRIPTOR: _descriptor.FileDescriptor

class AcknowledgeAlertRequest(_message.Message):
    __slots__ = ["alert_id", "note"]
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    alert_id: str
    note: str
    def __init__(self, alert_id: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ["acknowledged_at_ms", "acknowledged_by", "advice", "cleared_at_ms", "escalated_at_ms", "id", "kind", "note", "raised_at_ms", "severity", "subject", "summary", "threshold", "unit", "user_id", "value"]
    ACKNOWLEDGED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_BY_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    CLEARED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ESCALATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    RAISED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    acknowledged_at_ms: int
    acknowledged_by: str
    advice: str
    cleared_at_ms: int
    escalated_at_ms: int
    id: str
    kind: AlertKind
    note: str
    raised_at_ms: int
    severity: AlertSeverity
    subject: str
    summary: str
    threshold: float
    unit: str
    user_id: str
    value: float
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[AlertKind, str]] = ..., subject: _Optional[str] = ..., user_id: _Optional[str] = ..., severity: _Optional[_Union[AlertSeverity, str]] = ..., summary: _Optional[str] = ..., advice: _Optional[str] = ..., value: _Optional[float] = ..., threshold: _Optional[float] = ..., unit: _Optional[str] = ..., raised_at_ms: _Optional[int] = ..., cleared_at_ms: _Optional[int] = ..., acknowledged_at_ms: _Optional[int] = ..., acknowledged_by: _Optional[str] = ..., note: _Optional[str] = ..., escalated_at_ms: _Optional[int] = ...) -> None: ...

class ListAlertsReply(_message.Message):
    __slots__ = ["active", "past"]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    PAST_FIELD_NUMBER: _ClassVar[int]
    active: _containers.RepeatedCompositeFieldContainer[Alert]
    past: _containers.RepeatedCompositeFieldContainer[Alert]
    def __init__(self, active: _Optional[_Iterable[_Union[Alert, _Mapping]]] = ..., past: _Optional[_Iterable[_Union[Alert, _Mapping]]] = ...) -> None: ...

class ListAlertsRequest(_message.Message):
    __slots__ = ["limit"]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class WatchAlertsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class AlertKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class AlertSeverity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
