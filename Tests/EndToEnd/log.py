"""The event log of the queue, as any client with a protobuf library follows it."""

import dataclasses
import threading

import analysisqueue
from analysisqueue.proto import EventKind, FollowRequest, JobState, JobType

TIMEOUT = 120


@dataclasses.dataclass
class LoggedJob:
    id: str
    type: str
    state: str
    user: str


@dataclasses.dataclass
class LoggedEvent:
    kind: str
    job: LoggedJob
    song_id: str
    by_job_id: str
    reason: str
    epoch: int


class EventLog:
    """Everything that happens from the start of the log on; reconnects with its cursor when the service goes away."""

    def __init__(self, system):
        self.system = system
        self.events: list[LoggedEvent] = []
        self.changed = threading.Condition()
        self.cursors: dict[str, str] = {}
        threading.Thread(target=self._follow, daemon=True).start()
