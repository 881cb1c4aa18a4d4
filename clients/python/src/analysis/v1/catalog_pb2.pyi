from analysis.v1 import jobs_pb2 as _jobs_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
NOTIFICATION_KIND_CANCELLED: NotificationKind
NOTIFICATION_KIND_COMPLETED: NotificationKind
NOTIFICATION_KIND_DISPLACED: NotificationKind
NOTIFICATION_KIND_FAILED: NotificationKind
NOTIFICATION_KIND_STARTED: NotificationKind
NOTIFICATION_KIND_UNSPECIFIED: NotificationKind
ROLE_ADMINISTRATOR: Role
ROLE_LISTENER: Role
ROLE_UNSPECIFIED: Role
SONG_STATE_ANALYSED: SongState
SONG_STATE_FAILED: SongState
SONG_STATE_NOT_ANALYSED: SongState
SONG_STATE_UNSPECIFIED: SongState
THEME_DARK: Theme
THEME_LIGHT: Theme
THEME_UNSPECIFIED: Theme

class Coverage(_message.Message):
    __slots__ = ["analysed", "audio_done_ms", "audio_ms", "failed", "playlists", "total"]
    ANALYSED_FIELD_NUMBER: _ClassVar[int]
    AUDIO_DONE_MS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_MS_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    PLAYLISTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    analysed: int
    audio_done_ms: int
    audio_ms: int
    failed: int
    playlists: int
    total: int
    def __init__(self, total: _Optional[int] = ..., analysed: _Optional[int] = ..., failed: _Optional[int] = ..., audio_ms: _Optional[int] = ..., audio_done_ms: _Optional[int] = ..., playlists: _Optional[int] = ...) -> None: ...

class CoveragePoint(_message.Message):
    __slots__ = ["analysed", "at_ms"]
    ANALYSED_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    analysed: int
    at_ms: int
    def __init__(self, at_ms: _Optional[int] = ..., analysed: _Optional[int] = ...) -> None: ...

class CoverageRequest(_message.Message):
    __slots__ = ["playlist_id", "user_id"]
    PLAYLIST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    playlist_id: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., playlist_id: _Optional[str] = ...) -> None: ...

class CreateUserRequest(_message.Message):
    __slots__ = ["id", "password", "role"]
    ID_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    id: str
    password: str
    role: Role
    def __init__(self, id: _Optional[str] = ..., password: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ...) -> None: ...

class Distribution(_message.Message):
    __slots__ = ["bin_width", "bins", "first_bin", "least", "median", "most", "songs"]
    BINS_FIELD_NUMBER: _ClassVar[int]
    BIN_WIDTH_FIELD_NUMBER: _ClassVar[int]
    FIRST_BIN_FIELD_NUMBER: _ClassVar[int]
    LEAST_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    SONGS_FIELD_NUMBER: _ClassVar[int]
    bin_width: float
    bins: _containers.RepeatedScalarFieldContainer[int]
    first_bin: float
    least: float
    median: float
    most: float
    songs: int
    def __init__(self, songs: _Optional[int] = ..., least: _Optional[float] = ..., median: _Optional[float] = ..., most: _Optional[float] = ..., bin_width: _Optional[float] = ..., first_bin: _Optional[float] = ..., bins: _Optional[_Iterable[int]] = ...) -> None: ...

class ExportPart(_message.Message):
    __slots__ = ["json_lines"]
    JSON_LINES_FIELD_NUMBER: _ClassVar[int]
    json_lines: bytes
    def __init__(self, json_lines: _Optional[bytes] = ...) -> None: ...

class ImportFolderRequest(_message.Message):
    __slots__ = ["folder", "user_id"]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    folder: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., folder: _Optional[str] = ...) -> None: ...

class ImportProgress(_message.Message):
    __slots__ = ["added", "changed", "done", "files", "playlists"]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    PLAYLISTS_FIELD_NUMBER: _ClassVar[int]
    added: int
    changed: int
    done: bool
    files: int
    playlists: int
    def __init__(self, files: _Optional[int] = ..., added: _Optional[int] = ..., changed: _Optional[int] = ..., playlists: _Optional[int] = ..., done: bool = ...) -> None: ...

class Insights(_message.Message):
    __slots__ = ["analysed", "coverage", "keys", "loudness_lufs", "songs", "tempo_bpm"]
    ANALYSED_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    LOUDNESS_LUFS_FIELD_NUMBER: _ClassVar[int]
    SONGS_FIELD_NUMBER: _ClassVar[int]
    TEMPO_BPM_FIELD_NUMBER: _ClassVar[int]
    analysed: int
    coverage: _containers.RepeatedCompositeFieldContainer[CoveragePoint]
    keys: _containers.RepeatedCompositeFieldContainer[KeyCount]
    loudness_lufs: Distribution
    songs: int
    tempo_bpm: Distribution
    def __init__(self, songs: _Optional[int] = ..., analysed: _Optional[int] = ..., tempo_bpm: _Optional[_Union[Distribution, _Mapping]] = ..., loudness_lufs: _Optional[_Union[Distribution, _Mapping]] = ..., keys: _Optional[_Iterable[_Union[KeyCount, _Mapping]]] = ..., coverage: _Optional[_Iterable[_Union[CoveragePoint, _Mapping]]] = ...) -> None: ...

class KeyCount(_message.Message):
    __slots__ = ["name", "songs"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SONGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    songs: int
    def __init__(self, name: _Optional[str] = ..., songs: _Optional[int] = ...) -> None: ...

class ListPlaylistsReply(_message.Message):
    __slots__ = ["playlists"]
    PLAYLISTS_FIELD_NUMBER: _ClassVar[int]
    playlists: _containers.RepeatedCompositeFieldContainer[Playlist]
    def __init__(self, playlists: _Optional[_Iterable[_Union[Playlist, _Mapping]]] = ...) -> None: ...

class ListUsersReply(_message.Message):
    __slots__ = ["next_page_token", "users"]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    next_page_token: str
    users: _containers.RepeatedCompositeFieldContainer[User]
    def __init__(self, users: _Optional[_Iterable[_Union[User, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListUsersRequest(_message.Message):
    __slots__ = ["limit", "page_token"]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page_token: str
    def __init__(self, limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class LoggedInReply(_message.Message):
    __slots__ = ["job", "queued"]
    JOB_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    job: _jobs_pb2.Job
    queued: int
    def __init__(self, job: _Optional[_Union[_jobs_pb2.Job, _Mapping]] = ..., queued: _Optional[int] = ...) -> None: ...

class LoginReply(_message.Message):
    __slots__ = ["expires_at_ms", "session", "user"]
    EXPIRES_AT_MS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    expires_at_ms: int
    session: bytes
    user: User
    def __init__(self, user: _Optional[_Union[User, _Mapping]] = ..., session: _Optional[bytes] = ..., expires_at_ms: _Optional[int] = ...) -> None: ...

class LoginRequest(_message.Message):
    __slots__ = ["name", "password"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    name: str
    password: str
    def __init__(self, name: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class LogoutReply(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Playlist(_message.Message):
    __slots__ = ["added_at_ms", "analysed_count", "description", "id", "last_analysed_at_ms", "name", "song_count"]
    ADDED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ANALYSED_COUNT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LAST_ANALYSED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SONG_COUNT_FIELD_NUMBER: _ClassVar[int]
    added_at_ms: int
    analysed_count: int
    description: str
    id: str
    last_analysed_at_ms: int
    name: str
    song_count: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., added_at_ms: _Optional[int] = ..., song_count: _Optional[int] = ..., analysed_count: _Optional[int] = ..., last_analysed_at_ms: _Optional[int] = ...) -> None: ...

class PlaylistContent(_message.Message):
    __slots__ = ["added_at_ms", "description", "id", "name", "song_ids"]
    ADDED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SONG_IDS_FIELD_NUMBER: _ClassVar[int]
    added_at_ms: int
    description: str
    id: str
    name: str
    song_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., added_at_ms: _Optional[int] = ..., song_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class PlaylistDetail(_message.Message):
    __slots__ = ["next_page_token", "playlist", "songs"]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PLAYLIST_FIELD_NUMBER: _ClassVar[int]
    SONGS_FIELD_NUMBER: _ClassVar[int]
    next_page_token: str
    playlist: Playlist
    songs: _containers.RepeatedCompositeFieldContainer[SongSummary]
    def __init__(self, playlist: _Optional[_Union[Playlist, _Mapping]] = ..., songs: _Optional[_Iterable[_Union[SongSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PlaylistRequest(_message.Message):
    __slots__ = ["page_token", "playlist_id", "user_id"]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PLAYLIST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    page_token: str
    playlist_id: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., playlist_id: _Optional[str] = ..., page_token: _Optional[str] = ...) -> None: ...

class Preferences(_message.Message):
    __slots__ = ["background_analysis", "counts_watching", "muted", "off_peak", "quiet_hours", "songs_per_hour", "theme", "time_zone"]
    BACKGROUND_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_WATCHING_FIELD_NUMBER: _ClassVar[int]
    MUTED_FIELD_NUMBER: _ClassVar[int]
    OFF_PEAK_FIELD_NUMBER: _ClassVar[int]
    QUIET_HOURS_FIELD_NUMBER: _ClassVar[int]
    SONGS_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    background_analysis: bool
    counts_watching: bool
    muted: _containers.RepeatedScalarFieldContainer[NotificationKind]
    off_peak: _containers.RepeatedScalarFieldContainer[str]
    quiet_hours: _containers.RepeatedScalarFieldContainer[str]
    songs_per_hour: int
    theme: Theme
    time_zone: str
    def __init__(self, background_analysis: bool = ..., time_zone: _Optional[str] = ..., quiet_hours: _Optional[_Iterable[str]] = ..., off_peak: _Optional[_Iterable[str]] = ..., songs_per_hour: _Optional[int] = ..., muted: _Optional[_Iterable[_Union[NotificationKind, str]]] = ..., theme: _Optional[_Union[Theme, str]] = ..., counts_watching: bool = ...) -> None: ...

class RemovePlaylistsRequest(_message.Message):
    __slots__ = ["playlist_ids", "user_id"]
    PLAYLIST_IDS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    playlist_ids: _containers.RepeatedScalarFieldContainer[str]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., playlist_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class RemoveSongsRequest(_message.Message):
    __slots__ = ["song_ids", "user_id"]
    SONG_IDS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    song_ids: _containers.RepeatedScalarFieldContainer[str]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., song_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class RemoveUserReply(_message.Message):
    __slots__ = ["cancelled_jobs", "erased_as"]
    CANCELLED_JOBS_FIELD_NUMBER: _ClassVar[int]
    ERASED_AS_FIELD_NUMBER: _ClassVar[int]
    cancelled_jobs: int
    erased_as: str
    def __init__(self, cancelled_jobs: _Optional[int] = ..., erased_as: _Optional[str] = ...) -> None: ...

class RemovedReply(_message.Message):
    __slots__ = ["cancelled_jobs", "removed"]
    CANCELLED_JOBS_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    cancelled_jobs: int
    removed: int
    def __init__(self, removed: _Optional[int] = ..., cancelled_jobs: _Optional[int] = ...) -> None: ...

class SearchSongsReply(_message.Message):
    __slots__ = ["songs"]
    SONGS_FIELD_NUMBER: _ClassVar[int]
    songs: _containers.RepeatedCompositeFieldContainer[SongSummary]
    def __init__(self, songs: _Optional[_Iterable[_Union[SongSummary, _Mapping]]] = ...) -> None: ...

class SearchSongsRequest(_message.Message):
    __slots__ = ["limit", "query", "user_id"]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    limit: int
    query: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., query: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class SessionRequest(_message.Message):
    __slots__ = ["session"]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: bytes
    def __init__(self, session: _Optional[bytes] = ...) -> None: ...

class SetPasswordRequest(_message.Message):
    __slots__ = ["password", "user_id"]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    password: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class SetPreferencesRequest(_message.Message):
    __slots__ = ["preferences", "user_id"]
    PREFERENCES_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    preferences: Preferences
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., preferences: _Optional[_Union[Preferences, _Mapping]] = ...) -> None: ...

class SetRoleRequest(_message.Message):
    __slots__ = ["role", "user_id"]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    role: Role
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ...) -> None: ...

class SongDetail(_message.Message):
    __slots__ = ["results", "summary", "twins"]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    TWINS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.AnalysisResult]
    summary: SongSummary
    twins: _containers.RepeatedCompositeFieldContainer[SongTwin]
    def __init__(self, summary: _Optional[_Union[SongSummary, _Mapping]] = ..., results: _Optional[_Iterable[_Union[_jobs_pb2.AnalysisResult, _Mapping]]] = ..., twins: _Optional[_Iterable[_Union[SongTwin, _Mapping]]] = ...) -> None: ...

class SongRequest(_message.Message):
    __slots__ = ["song_id", "user_id"]
    SONG_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    song_id: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., song_id: _Optional[str] = ...) -> None: ...

class SongSummary(_message.Message):
    __slots__ = ["analysed_at_ms", "failure", "highlights_json", "song", "state"]
    ANALYSED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    HIGHLIGHTS_JSON_FIELD_NUMBER: _ClassVar[int]
    SONG_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    analysed_at_ms: int
    failure: str
    highlights_json: bytes
    song: _jobs_pb2.Song
    state: SongState
    def __init__(self, song: _Optional[_Union[_jobs_pb2.Song, _Mapping]] = ..., state: _Optional[_Union[SongState, str]] = ..., analysed_at_ms: _Optional[int] = ..., failure: _Optional[str] = ..., highlights_json: _Optional[bytes] = ...) -> None: ...

class SongTwin(_message.Message):
    __slots__ = ["bit_error_rate", "identical", "song"]
    BIT_ERROR_RATE_FIELD_NUMBER: _ClassVar[int]
    IDENTICAL_FIELD_NUMBER: _ClassVar[int]
    SONG_FIELD_NUMBER: _ClassVar[int]
    bit_error_rate: float
    identical: bool
    song: _jobs_pb2.Song
    def __init__(self, song: _Optional[_Union[_jobs_pb2.Song, _Mapping]] = ..., bit_error_rate: _Optional[float] = ..., identical: bool = ...) -> None: ...

class Targets(_message.Message):
    __slots__ = ["playlists", "songs"]
    PLAYLISTS_FIELD_NUMBER: _ClassVar[int]
    SONGS_FIELD_NUMBER: _ClassVar[int]
    playlists: _containers.RepeatedCompositeFieldContainer[Playlist]
    songs: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.Song]
    def __init__(self, songs: _Optional[_Iterable[_Union[_jobs_pb2.Song, _Mapping]]] = ..., playlists: _Optional[_Iterable[_Union[Playlist, _Mapping]]] = ...) -> None: ...

class TargetsRequest(_message.Message):
    __slots__ = ["playlist_ids", "song_ids", "user_id"]
    PLAYLIST_IDS_FIELD_NUMBER: _ClassVar[int]
    SONG_IDS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    playlist_ids: _containers.RepeatedScalarFieldContainer[str]
    song_ids: _containers.RepeatedScalarFieldContainer[str]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., song_ids: _Optional[_Iterable[str]] = ..., playlist_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class UpsertLibraryReply(_message.Message):
    __slots__ = ["playlists_changed", "songs_added", "songs_changed"]
    PLAYLISTS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    SONGS_ADDED_FIELD_NUMBER: _ClassVar[int]
    SONGS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    playlists_changed: int
    songs_added: int
    songs_changed: int
    def __init__(self, songs_added: _Optional[int] = ..., songs_changed: _Optional[int] = ..., playlists_changed: _Optional[int] = ...) -> None: ...

class UpsertLibraryRequest(_message.Message):
    __slots__ = ["playlists", "songs", "user_id"]
    PLAYLISTS_FIELD_NUMBER: _ClassVar[int]
    SONGS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    playlists: _containers.RepeatedCompositeFieldContainer[PlaylistContent]
    songs: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.Song]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., songs: _Optional[_Iterable[_Union[_jobs_pb2.Song, _Mapping]]] = ..., playlists: _Optional[_Iterable[_Union[PlaylistContent, _Mapping]]] = ...) -> None: ...

class User(_message.Message):
    __slots__ = ["auto_analysis", "created_at_ms", "id", "lane", "last_analysis_at_ms", "name", "role"]
    AUTO_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    LAST_ANALYSIS_AT_MS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    auto_analysis: bool
    created_at_ms: int
    id: str
    lane: str
    last_analysis_at_ms: int
    name: str
    role: Role
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., lane: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ..., auto_analysis: bool = ..., created_at_ms: _Optional[int] = ..., last_analysis_at_ms: _Optional[int] = ...) -> None: ...

class UserRequest(_message.Message):
    __slots__ = ["user_id"]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class WatchingReply(_message.Message):
    __slots__ = ["counted"]
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    counted: bool
    def __init__(self, counted: bool = ...) -> None: ...

class WatchingReport(_message.Message):
    __slots__ = ["seconds", "user_id"]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    seconds: int
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., seconds: _Optional[int] = ...) -> None: ...

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class NotificationKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Theme(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class SongState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
