"""The client for programs with threads: a shell around the channel, with a thread for each connection (link.py)."""

from __future__ import annotations

import collections
import math
import random
import threading
import time
import typing
from collections.abc import Iterator

from analysis.v1 import progress_pb2, queue_pb2

from . import call
from .address import TLS, Address
from .channel import Channel
from .connection import Connection
from .link import Link
from .methods import BidirectionalMethod, ClientStreamMethod, Q, R, ServerStreamMethod, UnaryMethod, bearer, cancelled, check_room
from .options import CallOptions, Options
from .resume import FollowResumption, Pace, Resumption, WatchResumption
from .status import RPCError
from .sync_calls import Bidirectional, ClientStream, ServerStream, Unary

if typing.TYPE_CHECKING:
    from typing_extensions import Unpack


class Client:
    """Calls the services at one address, `unix:PATH`, `tcp://HOST:PORT` or `tls://HOST:PORT`.

    It connects when a call is made, and again when the connection was lost. Idempotent calls are then made again by
    themselves; others fail with UNAVAILABLE. Threads may share it.

    `tls` belongs to a tls:// address; `token` goes with every call as a bearer token. Raises ValueError that says what is
    wrong with the address or the files of TLS.
    """

    def __init__(
        self, address: str, *, tls: TLS | None = None, token: str | None = None, options: Options = Options(),
        allow_remote_plaintext: bool = False,
    ) -> None:
        self.address = Address.parse(address, tls, allow_remote_plaintext)
        self.options = options
        self._bearer = bearer(token)
        self._chance = random.Random()
        self.lock = threading.Lock()  # held around the channel, and whatever carries out what it says
        self.channel = Channel(address, options, self._chance)
        self._links: dict[Connection, Link] = {}
        self._dropped: collections.deque[call.Call] = collections.deque()

    def close(self) -> None:
        """Gives up the calls that run; they raise CANCELLED, and so do later ones."""
        with self.lock:
            self.channel.close()
            self.flush()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def watch(self, request: progress_pb2.WatchRequest, **options: Unpack[CallOptions]) -> Iterator[progress_pb2.ProgressView]:
        """Progress.Watch that goes on by itself when it is cut, until its timeout. Waits for a server that is away."""
        from .services import Progress

        return self._resumed(Progress(self).Watch, WatchResumption(request), options)

    def follow(self, request: queue_pb2.FollowRequest, **options: Unpack[CallOptions]) -> Iterator[queue_pb2.Event]:
        """Queue.Follow that goes on by itself when it is cut, after the last event seen. Waits for a server that is away."""
        from .services import Queue

        return self._resumed(Queue(self).Follow, FollowResumption(request), options)

    def _resumed(
        self, method: ServerStream[Q, R], resumption: Resumption[Q, R], options: CallOptions
    ) -> Iterator[R]:
        timeout = options.get("timeout")
        deadline = None if timeout is None else time.monotonic() + timeout
        pace = Pace(self.options, self._chance)
        options = {**options, "wait_for_ready": True}
        while True:
            if deadline is not None:
                options["timeout"] = max(deadline - time.monotonic(), 0)
            try:
                with method(resumption.request, **options) as replies:
                    for reply in replies:
                        pace.succeeded()
                        resumption.saw(reply)
                        yield reply
                return
            except RPCError as error:
                wait = pace.failed(error)
            time.sleep(wait if deadline is None else max(min(wait, deadline - time.monotonic()), 0))

    # What stubs and calls use

    def unary(self, method: UnaryMethod[Q, R]) -> Unary[Q, R]:
        return Unary(self, method)

    def server_stream(self, method: ServerStreamMethod[Q, R]) -> ServerStream[Q, R]:
        return ServerStream(self, method)

    def client_stream(self, method: ClientStreamMethod[Q, R]) -> ClientStream[Q, R]:
        return ClientStream(self, method)

    def bidirectional(self, method: BidirectionalMethod[Q, R]) -> Bidirectional[Q, R]:
        return Bidirectional(self, method)

    def start(self, state: call.Call) -> None:
        state.metadata = [*self._bearer, *state.metadata]
        check_room(state.metadata)
        with self.lock:
            self.channel.start(state, time.monotonic())
            self.flush()

    def flush(self) -> None:
        """Carries out what the channel says. With the lock."""
        for connection in self.channel.take_new():
            self._links[connection] = Link(self, connection)
        for link in list(self._links.values()):
            link.flush()

    def advance(self) -> float | None:
        """Does what is due; the seconds until something is due again, or None. With the lock."""
        while self._dropped:
            self.channel.cancel(self._dropped.popleft(), cancelled())
        self.channel.tick(time.monotonic())
        self.flush()
        return None if self.channel.due == math.inf else max(self.channel.due - time.monotonic(), 0)

    def drop(self, state: call.Call) -> None:
        """Cancels a call that nobody reads any more; takes no lock, because a garbage collector may call it anywhere."""
        self._dropped.append(state)
        for link in list(self._links.values()):
            link.nudge()

    def forget(self, connection: Connection) -> None:
        self._links.pop(connection, None)
