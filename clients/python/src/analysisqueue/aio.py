"""The client for asyncio: a shell around the channel, on the event loop of its first call."""

from __future__ import annotations

import asyncio
import math
import random
import time
import typing
from collections.abc import AsyncIterable, AsyncIterator, Iterable

from analysis.v1 import progress_pb2, queue_pb2

from . import call
from .address import TLS, Address
from .channel import Channel
from .connection import Connection
from .methods import (
    BidirectionalMethod, ClientStreamMethod, Method, Q, R, ServerStreamMethod, UnaryMethod, bearer, cancelled)
from .options import CallOptions, Options
from .resume import FollowResumption, Pace, Resumption, WatchResumption
from .status import Metadata, RPCError

if typing.TYPE_CHECKING:
    from typing_extensions import Unpack


class AsyncClient:
    """`Client` for the tasks of one event loop: what blocks there is awaited here, and a task that is cancelled cancels the
    call that it waits for."""

    def __init__(
        self, address: str, *, tls: TLS | None = None, token: str | None = None, options: Options = Options(),
        allow_remote_plaintext: bool = False,
    ) -> None:
        self.address = Address.parse(address, tls, allow_remote_plaintext)
        self.options = options
        self._bearer = bearer(token)
        self._chance = random.Random()
        self.channel = Channel(address, options, self._chance)
        self._connecting: set[asyncio.Task[None]] = set()
        self._transports: dict[Connection, asyncio.Transport] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = math.inf

    async def close(self) -> None:
        """Gives up the calls that run; they raise CANCELLED, and so do later ones."""
        self.channel.close()
        for task in self._connecting:
            task.cancel()
        self.flush()
        await asyncio.sleep(0)  # Transports close when the loop next looks at them.

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def watch(
        self, request: progress_pb2.WatchRequest, **options: Unpack[CallOptions]
    ) -> AsyncIterator[progress_pb2.ProgressView]:
        """Progress.Watch that goes on by itself when it is cut, until its timeout. Waits for a server that is away."""
        from .services import Progress

        return self._resumed(Progress(self).Watch, WatchResumption(request), options)

    def follow(self, request: queue_pb2.FollowRequest, **options: Unpack[CallOptions]) -> AsyncIterator[queue_pb2.Event]:
        """Queue.Follow that goes on by itself when it is cut, after the last event seen. Waits for a server that is away."""
        from .services import Queue

        return self._resumed(Queue(self).Follow, FollowResumption(request), options)

    async def _resumed(
        self, method: ServerStream[Q, R], resumption: Resumption[Q, R], options: CallOptions
    ) -> AsyncIterator[R]:
        timeout = options.get("timeout")
        deadline = None if timeout is None else time.monotonic() + timeout
        pace = Pace(self.options, self._chance)
        options = {**options, "wait_for_ready": True}
        while True:
            if deadline is not None:
                options["timeout"] = max(deadline - time.monotonic(), 0)
            try:
                async with method(resumption.request, **options) as replies:
                    async for reply in replies:
                        pace.succeeded()
                        if resumption.is_new(reply):
                            yield reply
                return
            except RPCError as error:
                wait = pace.failed(error)
            await asyncio.sleep(wait if deadline is None else max(min(wait, deadline - time.monotonic()), 0))

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
        self.channel.start(state, time.monotonic())
        self.flush()

    def flush(self) -> None:
        """Carries out what the channel says."""
        loop = asyncio.get_running_loop()
        for connection in self.channel.take_new():
            task = loop.create_task(self._connect(connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        for connection, transport in list(self._transports.items()):
            if output := connection.take_output():
                transport.write(output)
            if connection.is_closed:
                del self._transports[connection]
                transport.close()
        if self._timer_due != (due := self.channel.due):
            self._timer_due = due
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None if due == math.inf else loop.call_later(max(due - time.monotonic(), 0), self._tick)

    def _tick(self) -> None:
        self._timer, self._timer_due = None, math.inf
        self.channel.tick(time.monotonic())
        self.flush()

    async def _connect(self, connection: Connection) -> None:
        loop, address = asyncio.get_running_loop(), self.address

        def protocol() -> _Protocol:
            return _Protocol(self, connection)

        try:
            if address.path:
                connecting = loop.create_unix_connection(protocol, address.path)
            elif address.tls is None:
                connecting = loop.create_connection(protocol, address.host, address.port)
            else:
                connecting = loop.create_connection(protocol, address.host, address.port, ssl=address.tls)
            await asyncio.wait_for(connecting, self.options.connect_timeout)
        except (OSError, asyncio.TimeoutError) as error:
            self.lost(connection, str(error) or "nobody answers")

    def connected(self, connection: Connection, transport: asyncio.Transport) -> None:
        self._transports[connection] = transport
        self.flush()

    def received(self, connection: Connection, data: bytes) -> None:
        self.channel.receive(connection, data, time.monotonic())
        self.flush()

    def lost(self, connection: Connection, reason: str) -> None:
        self._transports.pop(connection, None)
        self.channel.lose(connection, reason, time.monotonic())
        self.flush()


class _Protocol(asyncio.Protocol):
    def __init__(self, client: AsyncClient, connection: Connection) -> None:
        self._client = client
        self._connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._client.connected(self._connection, typing.cast(asyncio.Transport, transport))

    def data_received(self, data: bytes) -> None:
        self._client.received(self._connection, data)

    def connection_lost(self, error: Exception | None) -> None:
        self._client.lost(self._connection, str(error or "the server closed the connection"))


class Call(typing.Generic[Q, R]):
    """A call that runs. Leaving its `async with` block, or dropping it, cancels it unless it has ended.

    Its replies are iterated, or its only one is awaited with `result`; both raise RPCError unless the status is OK. Reading and
    sending may happen in two tasks.
    """

    def __init__(self, client: AsyncClient, method: Method[Q, R], request: Q | None, options: CallOptions) -> None:
        self._client = client
        self._method = method
        self._loop = asyncio.get_running_loop()
        self._changed = _Signal()
        self._state = method.make_call(request, options)
        self._state.wake = self._changed.wake  # Not of this object, which then would never be dropped.
        client.start(self._state)

    @property
    def leading_metadata(self) -> Metadata:
        """What came with the first message; with the status where there was none."""
        return self._state.leading_metadata

    @property
    def trailing_metadata(self) -> Metadata:
        """What came with the status."""
        return self._state.trailing_metadata

    async def send(self, request: Q) -> bool:
        """Sends a request of a streaming method as soon as the server gives room for it.

        Returns False where the call takes no more: it has ended, as reading it tells, or `end` was called.
        """
        message = self._method.encode(request)
        await self._changed.wait_until(lambda: self._state.is_writable)
        if not self._state.takes_messages:
            return False
        self._client.channel.send(self._state, message, time.monotonic())
        self._client.flush()
        return True

    def end(self) -> None:
        """There are no more requests."""
        self._client.channel.end(self._state, time.monotonic())
        self._client.flush()

    def cancel(self) -> None:
        """Gives the call up: whoever waits for it gets CANCELLED."""
        if self._state.ended:
            return  # Maybe long after its event loop.
        self._client.channel.cancel(self._state, cancelled())
        self._client.flush()

    async def result(self) -> R:
        """The reply of a method that gives one."""
        async with self:
            replies = [reply async for reply in self]
        if len(replies) != 1:
            raise self._method.wrong_number_of_replies()
        return replies[0]

    def __aiter__(self) -> AsyncIterator[R]:
        return self

    async def __anext__(self) -> R:
        await self._changed.wait_until(lambda: self._state.is_readable)
        payload = self._client.channel.take(self._state)
        self._client.flush()
        if payload is not None:
            return self._method.decode(payload)
        if self._state.error is not None:
            raise self._state.error
        raise StopAsyncIteration

    async def __aenter__(self) -> Call[Q, R]:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()

    def __del__(self) -> None:
        state = getattr(self, "_state", None)  # None where making the call raised
        if state is None or state.ended or self._loop.is_closed():
            return
        client = self._client

        def cancel() -> None:
            client.channel.cancel(state, cancelled())
            client.flush()

        self._loop.call_soon_threadsafe(cancel)


class _Signal:
    """Wakes the tasks that wait for a condition to be looked at again."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(self, condition: typing.Callable[[], bool]) -> None:
        while not condition():
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)


class Unary(typing.Generic[Q, R]):
    """One request, one reply."""

    def __init__(self, client: AsyncClient, method: UnaryMethod[Q, R]) -> None:
        self._client, self._method = client, method

    async def __call__(self, request: Q, **options: Unpack[CallOptions]) -> R:
        return await self.start(request, **options).result()

    def start(self, request: Q, **options: Unpack[CallOptions]) -> Call[Q, R]:
        """The same without waiting: to cancel it, or to see its metadata."""
        return Call(self._client, self._method, request, options)


class ServerStream(typing.Generic[Q, R]):
    """One request, any number of replies."""

    def __init__(self, client: AsyncClient, method: ServerStreamMethod[Q, R]) -> None:
        self._client, self._method = client, method

    def __call__(self, request: Q, **options: Unpack[CallOptions]) -> Call[Q, R]:
        return Call(self._client, self._method, request, options)


class ClientStream(typing.Generic[Q, R]):
    """Any number of requests, one reply."""

    def __init__(self, client: AsyncClient, method: ClientStreamMethod[Q, R]) -> None:
        self._client, self._method = client, method

    async def __call__(self, requests: Iterable[Q] | AsyncIterable[Q], **options: Unpack[CallOptions]) -> R:
        async with self.start(**options) as running:
            async for request in _each(requests):
                if not await running.send(request):
                    break
            running.end()
            return await running.result()

    def start(self, **options: Unpack[CallOptions]) -> Call[Q, R]:
        """The same with requests that `send` sends, then `end` and `result`."""
        return Call(self._client, self._method, None, options)


class Bidirectional(typing.Generic[Q, R]):
    """Requests and replies in any order."""

    def __init__(self, client: AsyncClient, method: BidirectionalMethod[Q, R]) -> None:
        self._client, self._method = client, method

    def __call__(self, **options: Unpack[CallOptions]) -> Call[Q, R]:
        return Call(self._client, self._method, None, options)


async def _each(items: Iterable[Q] | AsyncIterable[Q]) -> AsyncIterator[Q]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
