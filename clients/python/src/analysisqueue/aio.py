"""The client for asyncio: a shell around the channel, on the event loop of its first call."""

from __future__ import annotations

import asyncio
import math
import random
import time
import typing
from collections.abc import AsyncIterator

from analysis.v1 import progress_pb2, queue_pb2

from . import call
from .address import TLS, Address
from .aio_calls import Bidirectional, ClientStream, ServerStream, Unary
from .channel import Channel
from .connection import Connection
from .methods import BidirectionalMethod, ClientStreamMethod, Q, R, ServerStreamMethod, UnaryMethod, bearer, check_room
from .options import CallOptions, Options
from .resume import FollowResumption, Pace, Resumption, WatchResumption
from .status import RPCError

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
                        resumption.saw(reply)
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
        check_room(state.metadata)
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
