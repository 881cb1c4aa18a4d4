"""The event log of the queue, as any client with a protobuf library follows it."""

import dataclasses
import threading
import time

from analysis.v1 import jobs_pb2, queue_pb2
from analysisqueue import Client

TIMEOUT = 120


@dataclasses.dataclass(frozen=True)
class Event:
    kind: str  # such as STARTED
    job: jobs_pb2.Job
    song_id: str
    by_job_id: str
    reason: str
    epoch: int
    analyzer: str

    def __repr__(self):
        return f"{self.kind} {self.job.id} {self.song_id} {self.by_job_id} {self.reason}".rstrip()


class EventLog:
    """Everything that happens from now on; goes on where it was when the queue service comes back."""

    def __init__(self, system):
        self.address = f"unix:{system.ready['sockets']['queue']}"
        self.events: list[Event] = []
        self.changed = threading.Condition()
        self.followed = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()
        assert self.followed.wait(30), "the event log could not be followed"

    def wait(self, condition, timeout: float = TIMEOUT) -> Event:
        """The first event that fits, past or to come."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self.changed:
            while True:
                for event in self.events[seen:]:
                    if condition(event):
                        return event
                seen = len(self.events)
                if not self.changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no such event within {timeout} s; there were:\n" + "\n".join(map(str, self.events)))

    def of(self, kind: str) -> list[Event]:
        with self.changed:
            return [event for event in self.events if event.kind == kind]

    def _follow(self):
        with Client(self.address) as client:
            for message in client.follow(queue_pb2.FollowRequest()):
                kind = queue_pb2.EventKind.Name(message.kind).removeprefix("EVENT_KIND_")
                with self.changed:
                    self.events.append(
                        Event(
                            kind, message.job, message.song_id, message.by_job_id, message.reason, message.epoch,
                            message.analyzer))
                    self.changed.notify_all()
                if kind == "SNAPSHOT_END":
                    self.followed.set()
