"""A server that a test plays frame by frame, and the sync and asyncio client behind one face, so that a test runs on both."""

import asyncio
import concurrent.futures
import contextlib
import queue
import socket
import threading

from analysis.v1.frame_pb2 import Frame
from analysisqueue import AsyncClient, Client, Options, RPCError, wire

TIMEOUT = 20
# What only a time-out would bring about comes too late.
QUICK = Options(connect_timeout=60, keepalive_interval=60, shortest_backoff=0.001, longest_backoff=0.002)


def failure(future) -> RPCError:
    error = future.exception(TIMEOUT)
    assert isinstance(error, RPCError), error
    return error


class Peer:
    """Greets, then the test reads and sends single frames."""

    def __init__(self, folder, greeting=Frame(kind=Frame.HELLO, version=1), context=None):
        self._greeting, self._context = greeting, context
        if context is None:
            self.address = f"unix:{folder}/s"
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(f"{folder}/s")
            self._listener.listen()
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.address = f"tls://localhost:{self._listener.getsockname()[1]}"
        self._connections = queue.SimpleQueue()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            with contextlib.suppress(OSError):
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True)
                if self._greeting is not None:
                    connection.sendall(wire.length_prefixed(self._greeting))
                self._connections.put(connection)

    def accept(self) -> Frame:
        """Waits for the next connection; the client's HELLO."""
        self.connection = self._connections.get(timeout=TIMEOUT)
        self.connection.settimeout(TIMEOUT)
        self.frames = self.connection.makefile("rb")
        return self.receive()

    def receive(self) -> Frame | None:
        return wire.read(self.frames, Frame)

    def send(self, kind, stream=0, **fields):
        self.connection.sendall(wire.length_prefixed(Frame(kind=kind, stream=stream, **fields)))

    def message(self, stream, message):
        self.send(Frame.MESSAGE, stream, has_message=True, payload=message.SerializeToString())

    def reply(self, stream, message):
        self.send(Frame.STATUS, stream, has_message=True, payload=message.SerializeToString())

    def drop(self):
        self.frames.close()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def close(self):
        self._listener.close()


class SyncShell:
    def __init__(self, address, **options):
        self.client = Client(address, **options)
        self._pool = concurrent.futures.ThreadPoolExecutor()

    def background(self, method, *arguments, **options) -> concurrent.futures.Future:
        """Runs a call of a method, such as `Queue.GetJob`, to its result."""
        return self._pool.submit(self._stub(method), *arguments, **options)

    def start(self, method, *arguments, **options):
        stub = self._stub(method)
        return getattr(stub, "start", stub)(*arguments, **options)

    def next(self, call):
        return next(call)

    def rest(self, call):
        return list(call)

    def send(self, call, request):
        return call.send(request)

    def result(self, call):
        return call.result()

    def do(self, function, *arguments):
        return function(*arguments)

    def leave(self, stream):
        stream.close()

    def take(self, stream, count):
        """The first replies of `client.watch` or `client.follow`."""
        with contextlib.closing(stream):
            return [next(stream) for _ in range(count)]

    def close(self):
        self.client.close()
        self._pool.shutdown()

    def _stub(self, method):
        return method.__get__(_Service(self.client), None)


class AsyncShell:
    """The same on an event loop in a thread."""

    def __init__(self, address, **options):
        self._closed = False
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.client = self.do(lambda: AsyncClient(address, **options))

    def background(self, method, *arguments, **options):
        async def run():
            result = self._stub(method)(*arguments, **options)
            return await result

        return asyncio.run_coroutine_threadsafe(run(), self._loop)

    def start(self, method, *arguments, **options):
        stub = self._stub(method)
        return self.do(lambda: getattr(stub, "start", stub)(*arguments, **options))

    def next(self, call):
        return self._run(call.__anext__())

    def rest(self, call):
        async def rest():
            return [reply async for reply in call]

        return self._run(rest())

    def send(self, call, request):
        return self._run(call.send(request))

    def result(self, call):
        return self._run(call.result())

    def do(self, function, *arguments):
        async def run():
            return function(*arguments)

        return self._run(run())

    def leave(self, stream):
        self._run(stream.aclose())

    def take(self, stream, count):
        async def take():
            async with contextlib.aclosing(stream):
                return [await anext(stream) for _ in range(count)]

        return self._run(take())

    def close(self):
        if self._closed:
            return
        self._closed = True
        self._run(self.client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _stub(self, method):
        return method.__get__(_Service(self.client), None)

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(TIMEOUT)


class _Service:
    def __init__(self, client):
        self.client = client
