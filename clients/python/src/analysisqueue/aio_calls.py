"""Calls of the asyncio client as their caller holds them, and the stubs that make them."""

from __future__ import annotations

import asyncio
import time
import typing
from collections.abc import AsyncIterable, AsyncIterator, Iterable

from .methods import BidirectionalMethod, ClientStreamMethod, Method, Q, R, ServerStreamMethod, UnaryMethod, cancelled
from .options import CallOptions
from .status import Metadata

if typing.TYPE_CHECKING:
    from typing_extensions import Unpack

    from .aio import AsyncClient


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
