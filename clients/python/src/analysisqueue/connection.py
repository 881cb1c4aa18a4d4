"""One connection: it says HELLO, then carries the frames of any number of calls, which a thread of its own reads."""

import queue
import socket
import threading

from analysis.v1.frame_pb2 import Frame

from . import wire
from .status import RPCError, StatusCode

CREDIT_BYTES = 256 << 10  # how far a server may send ahead of the reader of a stream

Inbox = queue.SimpleQueue  # the Frames that arrive for a call, or the RPCError that ended it


class Connection:
    """Connects at once.

    Raises ValueError for a malformed address, and RPCError where the server does not answer or speaks another version.
    """

    def __init__(self, address: str, timeout: float):
        self._sending = threading.Lock()
        self._calls: dict[int, Inbox] = {}
        self._next_stream = 1
        self._ended: RPCError | None = None
        try:
            self._socket = wire.connect(address, timeout)
            self._frames = self._socket.makefile("rb")
            answer = self._greet()
        except (OSError, wire.MalformedFrame) as error:
            raise RPCError(StatusCode.UNAVAILABLE, f"{address}: {error}") from error
        self.max_message_bytes = answer.max_message_bytes or wire.MAX_MESSAGE_BYTES
        threading.Thread(target=self._read, name=f"frames of {address}", daemon=True).start()

    def _greet(self) -> Frame:
        hello = Frame(kind=Frame.HELLO, version=1, credit=CREDIT_BYTES, max_message_bytes=wire.MAX_MESSAGE_BYTES)
        self._socket.sendall(wire.length_prefixed(hello))
        answer = wire.read(self._frames, Frame)
        if answer is None or answer.kind != Frame.HELLO or answer.version != 1:
            detail = answer.detail if answer else ""
            raise wire.MalformedFrame(f"the server does not greet with version 1 of the protocol: {detail}")
        self._socket.settimeout(None)
        return answer

    @property
    def takes_calls(self) -> bool:
        return self._ended is None

    def call(self, **fields) -> tuple[int, Inbox]:
        """Opens a stream with a CALL of these fields; its number, and what will arrive for it."""
        inbox = Inbox()
        with self._sending:  # Streams must rise on the wire.
            if self._ended:
                raise self._ended
            stream = self._next_stream
            self._next_stream += 2
            self._calls[stream] = inbox
            self._send(Frame(kind=Frame.CALL, stream=stream, **fields))
        return stream, inbox

    def give_credit(self, stream: int, size: int):
        with self._sending:
            self._send(Frame(kind=Frame.CREDIT, stream=stream, credit=size))

    def cancel(self, stream: int):
        """Gives a call up, unless it has ended."""
        if self._calls.pop(stream, None):
            with self._sending:
                self._send(Frame(kind=Frame.CANCEL, stream=stream))

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The server was first.

    def _send(self, frame: Frame):
        try:
            self._socket.sendall(wire.length_prefixed(frame))
        except OSError:
            self.close()  # The reader tells the calls.

    def _read(self):
        error = RPCError(StatusCode.UNAVAILABLE, "the connection was closed")
        try:
            while (frame := wire.read(self._frames, Frame)) is not None:
                self._receive(frame)
        except wire.MalformedFrame as malformed:
            error = RPCError(StatusCode.INTERNAL, f"the server does not speak the protocol: {malformed}")
        except OSError as lost:
            error = RPCError(StatusCode.UNAVAILABLE, f"the connection was lost: {lost}")
        with self._sending:
            self._ended = error
        self._end_calls(error)
        self._frames.close()
        self._socket.close()

    def _receive(self, frame: Frame):
        if frame.kind == Frame.MESSAGE and (inbox := self._calls.get(frame.stream)):
            inbox.put(frame)
        elif frame.kind == Frame.STATUS and (inbox := self._calls.pop(frame.stream, None)):
            inbox.put(frame)
        elif frame.kind == Frame.PING:
            with self._sending:
                self._send(Frame(kind=Frame.PONG, payload=frame.payload))
        elif frame.kind == Frame.GOAWAY:
            error = RPCError(StatusCode.UNAVAILABLE, frame.detail or "the server takes no more calls")
            with self._sending:
                self._ended = error
            self._end_calls(error, after=frame.last_stream)

    def _end_calls(self, error: RPCError, after: int = 0):
        for stream in [stream for stream in list(self._calls) if stream > after]:
            if inbox := self._calls.pop(stream, None):
                inbox.put(error)
