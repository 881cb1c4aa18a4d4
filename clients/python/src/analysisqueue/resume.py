"""Streams that go on where they were cut, as pure state: what to ask for again."""

from __future__ import annotations

import random
import typing

from analysis.v1.progress_pb2 import ProgressView, WatchRequest
from analysis.v1.queue_pb2 import Event, FollowRequest, LaneCursor

from .options import Options
from .status import RPCError, StatusCode

Q = typing.TypeVar("Q", covariant=True)
R = typing.TypeVar("R", contravariant=True)


class Resumption(typing.Protocol[Q, R]):
    @property
    def request(self) -> Q:
        """What to ask for, the first time and again."""
        ...

    def saw(self, reply: R) -> None:
        """The next request goes on after this reply."""
        ...


class WatchResumption:
    """A new Watch tells what changed after the last view, ends included, or begins with all as it stands where it cannot know."""

    def __init__(self, request: WatchRequest) -> None:
        self.request = WatchRequest()
        self.request.CopyFrom(request)

    def saw(self, view: ProgressView) -> None:
        if view.version:
            self.request.since_version = view.version


class FollowResumption:
    """A new Follow goes on after the last event of each lane, or with a snapshot where the log does not reach so far back."""

    def __init__(self, request: FollowRequest) -> None:
        self._cursors = {lane.lane: lane.cursor for lane in request.cursors}

    @property
    def request(self) -> FollowRequest:
        return FollowRequest(cursors=[LaneCursor(lane=lane, cursor=at) for lane, at in self._cursors.items()])

    def saw(self, event: Event) -> None:
        if event.cursor:
            self._cursors[event.lane] = event.cursor


class Pace:
    """How soon a stream that was cut is asked for again."""

    def __init__(self, options: Options, chance: random.Random) -> None:
        self._options = options
        self._chance = chance
        self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, error: RPCError) -> float:
        """The seconds to wait. Raises the error where asking again would not help."""
        if error.code is not StatusCode.UNAVAILABLE and error.retry_after is None:
            raise error
        self._failures += 1
        if error.retry_after is not None:
            return error.retry_after
        return self._options.backoff(self._failures, self._chance)
