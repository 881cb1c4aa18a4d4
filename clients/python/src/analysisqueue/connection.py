"""One connection as pure state: bytes go in, bytes to send come out, and calls live on its streams.

    greeting ──HELLO──▶ open ──GOAWAY──▶ draining ──the last call has ended──▶ closed
        └──────────────────┴─────────────────┴──the server breaks the protocol, is silent or gone──▶ closed

It has no socket and no clock: whoever has them passes in what arrived and when (proto/PROTOCOL.md is the specification).
"""

from __future__ import annotations

import enum
import typing

from analysis.v1.frame_pb2 import Frame, Header

from . import wire
from .call import MAX_CREDIT_BYTES, Call
from .options import Options
from .status import Metadata, RPCError, StatusCode
from .wire import ProtocolError

MAX_PING_BYTES = 8
MAX_TIMEOUT_SECONDS = 365 * 86_400


class Fate(enum.Enum):
    """How much the server did about a call that a connection no longer has."""

    ANSWERED = enum.auto()  # it sent the status
    UNKNOWN = enum.auto()  # the connection was lost
    NOT_TAKEN = enum.auto()  # it said that it did not begin


class Ending(typing.NamedTuple):
    call: Call
    error: RPCError | None
    fate: Fate


class Connection:
    def __init__(self, options: Options, now: float) -> None:
        self._options = options
        self._decoder = wire.FrameDecoder()
        self._output = bytearray()
        self._calls: dict[int, Call] = {}
        self._cancelled: set[int] = set()  # until the server has said STATUS
        self._next_stream = 1
        self._endings: list[Ending] = []

        self._greeting_until: float | None = now + options.connect_timeout
        self._max_message_bytes = wire.MAX_MESSAGE_BYTES
        self._credit = wire.DEFAULT_CREDIT_BYTES
        self._max_streams = 0
        self._heard = now
        self._pong_due: float | None = None
        self._draining = False
        self.end: RPCError | None = None
        """Why it takes no more calls, if it does not."""
        self.is_closed = False
        """Whether its socket is to be closed when the output has been sent."""
        self._send(
            Frame(kind=Frame.HELLO, version=1, max_message_bytes=options.max_message_bytes, credit=options.credit_bytes))

    # What the owner of the socket calls

    def take_output(self) -> bytes:
        output, self._output = bytes(self._output), bytearray()
        return output

    def receive(self, data: bytes, now: float) -> list[Ending]:
        """Takes what has arrived; the calls that ended thereby."""
        if self.is_closed:
            return []
        self._heard, self._pong_due = now, None
        try:
            self._decoder.feed(data)
            while not self.is_closed and (frame := self._decoder.next()) is not None:
                self._receive(frame)
        except ProtocolError as violation:
            self._send(Frame(kind=Frame.GOAWAY, status=violation.code, detail=str(violation)))
            # Before its greeting the server has taken nothing.
            code = StatusCode.INTERNAL if self.is_greeted else StatusCode.UNAVAILABLE
            self._close(RPCError(code, f"the server broke the protocol: {violation}"))
        return self._take_endings()

    def lose(self, reason: str) -> list[Ending]:
        """The socket is gone, or never came to be; the calls that ended thereby."""
        self._close(RPCError(StatusCode.UNAVAILABLE, reason))
        return self._take_endings()

    def tick(self, now: float) -> list[Ending]:
        """Does what is due: gives up a server that does not greet, asks a silent one for a sign of life."""
        if self.is_closed:
            return []
        if self._greeting_until is not None:
            if now >= self._greeting_until:
                return self.lose(f"the server did not say HELLO within {self._options.connect_timeout:g} s")
        elif not self._calls:
            self._heard = now  # The silence of a connection without calls means nothing.
        elif self._pong_due is not None:
            if now >= self._pong_due:
                silence = self._options.keepalive_interval + self._options.keepalive_timeout
                return self.lose(f"nothing was heard for {silence:g} s")
        elif now >= self._heard + self._options.keepalive_interval:
            self._pong_due = now + self._options.keepalive_timeout
            self._send(Frame(kind=Frame.PING))
        return []

    @property
    def due(self) -> float:
        """When to tick again, at the latest."""
        if self._greeting_until is not None:
            return self._greeting_until
        return self._heard + self._options.keepalive_interval if self._pong_due is None else self._pong_due

    # What the channel calls

    @property
    def is_greeted(self) -> bool:
        return self._greeting_until is None

    @property
    def can_open(self) -> bool:
        open_streams = len(self._calls) + len(self._cancelled)
        return self.is_greeted and self.end is None and not 0 < self._max_streams <= open_streams

    def open(self, call: Call, now: float) -> list[Ending]:
        """Makes a call. Only while `can_open`. Ends it where its message is over the server's limit."""
        if call.message is not None and self._is_oversize(call, call.message):
            return self._take_endings()
        if not self._calls:
            self._heard = now
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        self._calls[stream] = call
        call.opened(self, stream, window=self._options.credit_bytes, credit=self._credit)
        self._send(
            Frame(
                kind=Frame.CALL, stream=stream, method=call.method, payload=call.message or b"",
                has_message=call.message is not None, end=call.message is not None,
                timeout_us=0 if call.deadline is None else _microseconds(call.deadline - now),
                metadata=[
                    Header(name=name, value=value if isinstance(value, bytes) else value.encode())
                    for name, value in call.metadata
                ]))
        return self.pump(call)

    def pump(self, call: Call) -> list[Ending]:
        """Sends what the call has to send and the server's credit lets pass. Ends it where that is over the server's limit."""
        self._pump(call)
        return self._take_endings()

    def give_credit(self, call: Call, size: int) -> None:
        self._send(Frame(kind=Frame.CREDIT, stream=call.stream, credit=size))

    def cancel(self, call: Call) -> None:
        if self._calls.get(call.stream) is call:
            del self._calls[call.stream]
            self._cancelled.add(call.stream)
            self._send(Frame(kind=Frame.CANCEL, stream=call.stream))
            call.closed()

    # Frames

    def _receive(self, frame: Frame) -> None:
        if not self.is_greeted:
            return self._greet(frame)
        match frame.kind:
            case Frame.MESSAGE:
                if call := self._call(frame):
                    self._receive_message(call, frame)
            case Frame.STATUS:
                call = self._call(frame)
                self._calls.pop(frame.stream, None)
                self._cancelled.discard(frame.stream)
                if call:
                    self._receive_status(call, frame)
                self._close_if_drained()
            case Frame.CREDIT:
                if call := self._call(frame):
                    call.receive_credit(frame.credit)
                    self._pump(call)
            case Frame.PING:
                if len(frame.payload) > MAX_PING_BYTES:
                    raise ProtocolError(f"a PING of more than {MAX_PING_BYTES} bytes")
                self._send(Frame(kind=Frame.PONG, payload=frame.payload))
            case Frame.PONG:
                pass
            case Frame.GOAWAY:
                self._drain(frame)
            case Frame.HELLO:
                raise ProtocolError("a second HELLO")
            case _:
                raise ProtocolError(f"a frame of kind {frame.kind}, which no server sends")

    def _greet(self, frame: Frame) -> None:
        if frame.kind == Frame.GOAWAY:
            return self._close(_farewell(frame))
        if frame.kind != Frame.HELLO:
            raise ProtocolError("the first frame must be HELLO")
        if frame.version != 1:
            raise ProtocolError(
                f"version {frame.version} is not spoken here; version 1 is", StatusCode.UNIMPLEMENTED)
        if frame.credit > MAX_CREDIT_BYTES:
            raise ProtocolError(f"a credit of {frame.credit} bytes; {MAX_CREDIT_BYTES} is the most")
        self._greeting_until = None
        self._max_message_bytes = frame.max_message_bytes or wire.MAX_MESSAGE_BYTES
        self._credit = frame.credit or wire.DEFAULT_CREDIT_BYTES
        self._max_streams = frame.max_streams
        self._decoder.max_bytes = self._options.max_message_bytes + wire.HEADER_ROOM_BYTES

    def _call(self, frame: Frame) -> Call | None:
        """The call of a frame's stream; None where it has ended."""
        if frame.stream % 2 == 0 or frame.stream >= self._next_stream:
            raise ProtocolError(f"a frame on stream {frame.stream}, on which no call was made")
        return self._calls.get(frame.stream)

    def _receive_message(self, call: Call, frame: Frame) -> None:
        if not frame.has_message:
            raise ProtocolError("a MESSAGE without a message")
        if frame.metadata:
            call.leading_metadata = _metadata(frame)
        if error := self._excess(call, frame):
            self.cancel(call)
            self._endings.append(Ending(call, error, Fate.ANSWERED))
        else:
            call.receive(frame.payload)

    def _excess(self, call: Call, frame: Frame) -> RPCError | None:
        """Why a reply is more than is taken; leading and trailing metadata count together."""
        size, limit = len(frame.payload), self._options.max_message_bytes
        if size > limit:
            return RPCError(StatusCode.RESOURCE_EXHAUSTED, f"a reply of {size} bytes is over the limit of {limit}")
        size = wire.metadata_size([*call.leading_metadata, *call.trailing_metadata])
        if size > wire.MAX_METADATA_BYTES:
            return RPCError(
                StatusCode.RESOURCE_EXHAUSTED, f"metadata of {size} bytes is over the limit of {wire.MAX_METADATA_BYTES}")
        return None

    def _receive_status(self, call: Call, frame: Frame) -> None:
        call.trailing_metadata = _metadata(frame)
        error = self._excess(call, frame)
        if error is None and frame.status:
            retry_after = frame.retry_after_us / 1e6 if frame.retry_after_us else None
            error = RPCError(StatusCode(frame.status), frame.detail, call.trailing_metadata, retry_after)
        elif error is None and frame.has_message:
            call.receive(frame.payload, uses_credit=False)
        call.closed()
        self._endings.append(Ending(call, error, Fate.ANSWERED))

    def _drain(self, frame: Frame) -> None:
        self._draining = True
        self.end = error = _farewell(frame)
        fate = Fate.NOT_TAKEN if error.code is StatusCode.UNAVAILABLE else Fate.ANSWERED
        for stream in sorted(stream for stream in self._calls if stream > frame.last_stream):
            call = self._calls.pop(stream)
            call.closed()
            self._endings.append(Ending(call, error, fate))
        self._cancelled = {stream for stream in self._cancelled if stream <= frame.last_stream}
        self._close_if_drained()

    def _close_if_drained(self) -> None:
        if self._draining and not self._calls and not self._cancelled:
            self.is_closed = True

    def _close(self, error: RPCError) -> None:
        if self.is_closed:
            return
        self.is_closed, self.end = True, self.end or error
        for call in self._calls.values():
            call.closed()
            self._endings.append(Ending(call, error, Fate.UNKNOWN))
        self._calls.clear()

    def _pump(self, call: Call) -> None:
        while (message := call.take_sendable()) is not None:
            if self._is_oversize(call, message):
                return
            self._send(Frame(kind=Frame.MESSAGE, stream=call.stream, payload=message, has_message=True))
        if call.take_end():
            self._send(Frame(kind=Frame.END, stream=call.stream))

    def _is_oversize(self, call: Call, message: bytes) -> bool:
        if len(message) <= self._max_message_bytes:
            return False
        detail = f"a request of {len(message)} bytes is over the server's limit of {self._max_message_bytes}"
        self.cancel(call)
        self._endings.append(Ending(call, RPCError(StatusCode.RESOURCE_EXHAUSTED, detail), Fate.ANSWERED))
        return True

    def _take_endings(self) -> list[Ending]:
        endings, self._endings = self._endings, []
        return endings

    def _send(self, frame: Frame) -> None:
        self._output += wire.length_prefixed(frame)


def _farewell(frame: Frame) -> RPCError:
    """What a GOAWAY is to the calls. A server that stops says UNAVAILABLE; any other status is about this side, and the same
    would happen again."""
    match StatusCode(frame.status):
        case StatusCode.OK | StatusCode.UNAVAILABLE:
            return RPCError(StatusCode.UNAVAILABLE, f"the server ended the connection: {frame.detail}")
        case StatusCode.PERMISSION_DENIED | StatusCode.UNAUTHENTICATED as code:
            return RPCError(code, f"the server refused the connection: {frame.detail}")
        case _:
            return RPCError(StatusCode.INTERNAL, f"the server refused what this side said: {frame.detail}")


def _microseconds(seconds: float) -> int:
    return max(int(min(seconds, MAX_TIMEOUT_SECONDS) * 1e6), 1)


def _metadata(frame: Frame) -> Metadata:
    return [
        (header.name, header.value if header.name.endswith("-bin") else header.value.decode(errors="replace"))
        for header in frame.metadata
    ]
