"""Calls of the client for threads as their caller holds them, and the stubs that make them."""

from __future__ import annotations

import threading
import time
import typing
from collections.abc import Iterable, Iterator

from .methods import BidirectionalMethod, ClientStreamMethod, Method, Q, R, ServerStreamMethod, UnaryMethod, cancelled
from .options import CallOptions
from .status import Metadata

if typing.TYPE_CHECKING:
    from typing_extensions import Unpack

    from .sync import Client


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
