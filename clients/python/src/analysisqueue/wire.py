"""The wire of proto/PROTOCOL.md: addresses, and messages on byte streams, each after its length in four big-endian bytes."""

import socket
import struct
import typing

from google.protobuf.message import DecodeError, Message

MAX_MESSAGE_BYTES = 4 << 20
HEADER_ROOM_BYTES = 64 << 10  # what a frame may hold beside its message

M = typing.TypeVar("M", bound=Message)


class MalformedFrame(Exception):
    """The peer sent what is no frame: nothing after it can be read."""


def connect(address: str, timeout: float | None = None) -> socket.socket:
    """Connects to `unix:/path` or `tcp://host:port`.

    Raises ValueError where the address is neither, and OSError where nobody answers.
    """
    if address.startswith("unix:/"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(address.removeprefix("unix:"))
        except OSError:
            connection.close()
            raise
        return connection
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    if not address.startswith("tcp://") or not host or not port.isdecimal():
        raise ValueError(f"the address {address!r} is neither unix:/path nor tcp://host:port")
    connection = socket.create_connection((host.strip("[]"), int(port)), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def length_prefixed(message: Message) -> bytes:
    """The bytes of a message with their length before them."""
    data = message.SerializeToString()
    return struct.pack(">I", len(data)) + data


def read(stream: typing.BinaryIO, kind: type[M]) -> M | None:
    """The next message of a stream; None at its end.

    Raises MalformedFrame where it is too long, cut short, or no such message.
    """
    prefix = _read_exactly(stream, 4)
    if not prefix:
        return None
    if len(prefix) < 4:
        raise MalformedFrame("the stream ends within a length")
    length = int.from_bytes(prefix, "big")
    if length > MAX_MESSAGE_BYTES + HEADER_ROOM_BYTES:
        raise MalformedFrame(f"{length} bytes are too long for a frame")
    data = _read_exactly(stream, length)
    if len(data) < length:
        raise MalformedFrame(f"the stream ends after {len(data)} of {length} bytes")
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise MalformedFrame(f"{length} bytes are no {kind.DESCRIPTOR.full_name}") from error


def _read_exactly(stream: typing.BinaryIO, size: int) -> bytes:
    """Fewer bytes at the end of the stream only."""
    data = b""
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data
