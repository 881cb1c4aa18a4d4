"""Messages on byte streams, each after its length in four big-endian bytes: the wire of proto/PROTOCOL.md."""

from __future__ import annotations

import struct
import typing

from analysis.v1.frame_pb2 import Frame
from google.protobuf.message import DecodeError, Message

from .status import Metadata, StatusCode

MAX_MESSAGE_BYTES = 4 << 20
DEFAULT_CREDIT_BYTES = 64 << 10  # of a stream, where HELLO does not say
HEADER_ROOM_BYTES = 64 << 10  # what a frame may hold beside its message
MAX_METADATA_BYTES = 8 << 10  # of one direction of a call
MAX_GREETING_BYTES = 1024  # of a frame, until the peer has said HELLO

M = typing.TypeVar("M", bound=Message)


class ProtocolError(Exception):
    """The peer broke the protocol: nothing after it can be read. The code is what a GOAWAY tells the peer."""

    def __init__(self, detail: str, code: StatusCode = StatusCode.INVALID_ARGUMENT) -> None:
        super().__init__(detail)
        self.code = code


def length_prefixed(message: Message) -> bytes:
    """The bytes of a message with their length before them."""
    data = message.SerializeToString()
    return struct.pack(">I", len(data)) + data


def metadata_size(metadata: Metadata) -> int:
    """What it counts against MAX_METADATA_BYTES."""
    return sum(32 + len(name.encode()) + len(value if isinstance(value, bytes) else value.encode()) for name, value in metadata)


class FrameDecoder:
    """Takes bytes as they come and gives the frames that are complete."""

    def __init__(self, max_bytes: int = MAX_GREETING_BYTES) -> None:
        self.max_bytes = max_bytes
        self._buffer = bytearray()
        self._read = 0  # how much of the buffer has been given

    def feed(self, data: bytes) -> None:
        del self._buffer[: self._read]
        self._read = 0
        self._buffer += data

    def next(self) -> Frame | None:
        """The next frame; None until it is complete.

        Raises ProtocolError where its length is zero or over `max_bytes`, or where it is no Frame.
        """
        start = self._read + 4
        if len(self._buffer) < start:
            return None
        end = start + _checked(int.from_bytes(self._buffer[self._read : start], "big"), self.max_bytes)
        if len(self._buffer) < end:
            return None
        self._read = end
        return _parsed(bytes(self._buffer[start:end]), Frame)


def read(stream: typing.BinaryIO, kind: type[M]) -> M | None:
    """The next message of a blocking stream; None at its end.

    Raises ProtocolError where it is too long, cut short, or no such message.
    """
    prefix = _read_exactly(stream, 4)
    if not prefix:
        return None
    if len(prefix) < 4:
        raise ProtocolError("the stream ends within a length")
    length = _checked(int.from_bytes(prefix, "big"), MAX_MESSAGE_BYTES + HEADER_ROOM_BYTES, shortest=0)
    data = _read_exactly(stream, length)
    if len(data) < length:
        raise ProtocolError(f"the stream ends after {len(data)} of {length} bytes")
    return _parsed(data, kind)


def _checked(length: int, longest: int, shortest: int = 1) -> int:
    if length > longest:
        raise ProtocolError(f"{length} bytes are too long for a frame: {longest} fit", StatusCode.RESOURCE_EXHAUSTED)
    if length < shortest:
        raise ProtocolError("a frame of no bytes")
    return length


def _parsed(data: bytes, kind: type[M]) -> M:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise ProtocolError(f"{len(data)} bytes are no {kind.DESCRIPTOR.full_name}") from error


def _read_exactly(stream: typing.BinaryIO, size: int) -> bytes:
    """Fewer bytes at the end of the stream only."""
    data = b""
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data
