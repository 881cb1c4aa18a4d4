"""The socket of one connection of the sync client, and the thread that connects, reads and closes it."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
import time
import typing

from .address import Address
from .connection import Connection

if typing.TYPE_CHECKING:
    from .sync import Client

READ_BYTES = 64 << 10
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Link:
    """Callers write as much as the socket takes at once; the thread does everything else. Made with the client's lock held."""

    def __init__(self, client: Client, connection: Connection) -> None:
        self._client = client
        self._connection = connection
        self._socket: socket.socket | None = None
        self._unsent = bytearray()
        self._wakes, self._waker = socket.socketpair()
        self._wakes.setblocking(False)
        self._waker.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=f"frames of {client.address.text}", daemon=True)
        self._thread.start()

    def flush(self) -> None:
        """Sends what there is and the socket takes. With the client's lock."""
        self._unsent += self._connection.take_output()
        if self._socket is None:
            return
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except WOULD_BLOCK:
            pass
        except OSError:
            self._unsent.clear()  # The thread reads why.
        if (self._unsent or self._connection.is_closed) and threading.current_thread() is not self._thread:
            self.nudge()

    def nudge(self) -> None:
        """Lets the thread look again."""
        try:
            self._waker.send(b"\0")
        except OSError:
            pass  # It has been told before, or has gone.

    def _run(self) -> None:
        client, connection = self._client, self._connection
        reason = "the client failed"
        try:
            with _connected(client.address, client.options.connect_timeout) as opened:
                with client.lock:
                    self._socket = opened
                    client.flush()
                self._serve(opened)
        except OSError as error:
            reason = str(error)
        finally:
            with client.lock:
                self._socket = None
                client.channel.lose(connection, reason, time.monotonic())
                client.forget(connection)
                client.flush()
            self._wakes.close()
            self._waker.close()

    def _serve(self, opened: socket.socket) -> None:
        """Until the connection is closed. Raises OSError where it is lost."""
        client, connection = self._client, self._connection
        with selectors.DefaultSelector() as selector:
            selector.register(self._wakes, selectors.EVENT_READ)
            selector.register(opened, selectors.EVENT_READ)
            while True:
                with client.lock:
                    wait = client.advance()
                    if connection.is_closed:
                        return
                    interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
                    selector.modify(opened, interest)
                ready = selector.select(wait)
                if any(key.fileobj is self._wakes for key, _ in ready):
                    self._wakes.recv(READ_BYTES)
                with client.lock:
                    self._read(opened)
                    client.flush()

    def _read(self, opened: socket.socket) -> None:
        """All that is there: TLS keeps what is not read now where no selector sees it."""
        while not self._connection.is_closed:
            try:
                data = opened.recv(READ_BYTES)
            except WOULD_BLOCK:
                return
            if not data:
                raise ConnectionError("the server closed the connection")
            self._client.channel.receive(self._connection, data, time.monotonic())


def _connected(address: Address, timeout: float) -> socket.socket:
    if address.path:
        opened = socket.socket(socket.AF_UNIX)
        opened.settimeout(timeout)
    else:
        opened = socket.create_connection((address.host, address.port), timeout)
    try:
        if address.path:
            opened.connect(address.path)
        else:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if address.tls is not None:
            opened = address.tls.wrap_socket(opened, server_hostname=address.host)
        opened.setblocking(False)
    except BaseException:
        opened.close()
        raise
    return opened
