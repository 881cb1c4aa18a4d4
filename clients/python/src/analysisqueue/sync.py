"""The client for programs with threads: a shell around the channel, with a thread for each connection (link.py)."""

from __future__ import annotations

import collections
import math
import random
import threading
import time
import typing
from collections.abc import Iterable, Iterator

from analysis.v1 import progress_pb2, queue_pb2

from . import call
from .address import TLS, Address
from .channel import Channel
from .connection import Connection
from .link import Link
from .methods import (
    BidirectionalMethod, ClientStreamMethod, Method, Q, R, ServerStreamMethod, UnaryMethod, bearer, cancelled)
from .options import CallOptions, Options
from .resume import FollowResumption, Pace, Resumption, WatchResumption
from .status import Metadata, RPCError

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
                        if resumption.is_new(reply):
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


class Call(typing.Generic[Q, R]):
    """A call that runs. Leaving its `with` block, or dropping it, cancels it unless it has ended.

    Its replies are iterated, or its only one is taken with `result`; both raise RPCError unless the status is OK. Reading and
    sending may happen on two threads.
    """

    def __init__(self, client: Client, method: Method[Q, R], request: Q | None, options: CallOptions) -> None:
        self._client = client
        self._method = method
        self._changed = threading.Condition(client.lock)
        self._state = method.make_call(request, options)
        self._state.wake = self._changed.notify_all
        client.start(self._state)

    @property
    def leading_metadata(self) -> Metadata:
        """What came with the first message; with the status where there was none."""
        return self._state.leading_metadata

    @property
    def trailing_metadata(self) -> Metadata:
        """What came with the status."""
        return self._state.trailing_metadata

    def send(self, request: Q) -> bool:
        """Sends a request of a streaming method as soon as the server gives room for it.

        Returns False where the call takes no more: it has ended, as reading it tells, or `end` was called.
        """
        message = self._method.encode(request)
        with self._client.lock:
            self._wait(lambda: self._state.is_writable)
            if not self._state.takes_messages:
                return False
            self._client.channel.send(self._state, message, time.monotonic())
            self._client.flush()
            return True

    def end(self) -> None:
        """There are no more requests."""
        with self._client.lock:
            self._client.channel.end(self._state, time.monotonic())
            self._client.flush()

    def cancel(self) -> None:
        """Gives the call up, also from another thread: whoever waits for it gets CANCELLED."""
        with self._client.lock:
            self._client.channel.cancel(self._state, cancelled())
            self._client.flush()

    def result(self) -> R:
        """The reply of a method that gives one."""
        with self:
            replies = list(self)
        if len(replies) != 1:
            raise self._method.wrong_number_of_replies()
        return replies[0]

    def __iter__(self) -> Iterator[R]:
        return self

    def __next__(self) -> R:
        with self._client.lock:
            self._wait(lambda: self._state.is_readable)
            payload = self._client.channel.take(self._state)
            self._client.flush()
        if payload is not None:
            return self._method.decode(payload)
        if self._state.error is not None:
            raise self._state.error
        raise StopIteration

    def __enter__(self) -> Call[Q, R]:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def __del__(self) -> None:
        state = getattr(self, "_state", None)  # None where making the call raised
        if state is not None and not state.ended:
            self._client.drop(state)

    def _wait(self, condition: typing.Callable[[], bool]) -> None:
        while not condition():
            due = self._client.advance()
            if not condition():
                self._changed.wait(due)


class Unary(typing.Generic[Q, R]):
    """One request, one reply."""

    def __init__(self, client: Client, method: UnaryMethod[Q, R]) -> None:
        self._client, self._method = client, method

    def __call__(self, request: Q, **options: Unpack[CallOptions]) -> R:
        return self.start(request, **options).result()

    def start(self, request: Q, **options: Unpack[CallOptions]) -> Call[Q, R]:
        """The same without waiting: to cancel it, or to see its metadata."""
        return Call(self._client, self._method, request, options)


class ServerStream(typing.Generic[Q, R]):
    """One request, any number of replies."""

    def __init__(self, client: Client, method: ServerStreamMethod[Q, R]) -> None:
        self._client, self._method = client, method

    def __call__(self, request: Q, **options: Unpack[CallOptions]) -> Call[Q, R]:
        return Call(self._client, self._method, request, options)


class ClientStream(typing.Generic[Q, R]):
    """Any number of requests, one reply."""

    def __init__(self, client: Client, method: ClientStreamMethod[Q, R]) -> None:
        self._client, self._method = client, method

    def __call__(self, requests: Iterable[Q], **options: Unpack[CallOptions]) -> R:
        with self.start(**options) as running:
            for request in requests:
                if not running.send(request):
                    break
            running.end()
            return running.result()

    def start(self, **options: Unpack[CallOptions]) -> Call[Q, R]:
        """The same with requests that `send` sends, then `end` and `result`."""
        return Call(self._client, self._method, None, options)


class Bidirectional(typing.Generic[Q, R]):
    """Requests and replies in any order."""

    def __init__(self, client: Client, method: BidirectionalMethod[Q, R]) -> None:
        self._client, self._method = client, method

    def __call__(self, **options: Unpack[CallOptions]) -> Call[Q, R]:
        return Call(self._client, self._method, None, options)
