"""Messages on byte streams."""

import io
import struct

import pytest

from analysis.v1.frame_pb2 import Frame
from analysis.v1.jobs_pb2 import Song
from analysisqueue import StatusCode, wire


def test_messages_arrive_one_by_one_and_whole():
    songs = [Song(id="s1", title="é" * 100_000), Song(), Song(id="s2")]
    stream = io.BytesIO(b"".join(map(wire.length_prefixed, songs)))
    assert [wire.read(stream, Song) for _ in songs] == songs
    assert wire.read(stream, Song) is None


def test_a_message_that_comes_byte_by_byte_is_read_whole():
    class Trickle(io.RawIOBase):
        rest = wire.length_prefixed(Song(id="s1"))

        def read(self, size=-1):
            taken, self.rest = self.rest[:1], self.rest[1:]
            return taken

    assert wire.read(Trickle(), Song) == Song(id="s1")


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0",
        struct.pack(">I", 5) + b"abc",
        struct.pack(">I", 3) + b"\x0a\xff\xff",
        struct.pack(">I", wire.MAX_MESSAGE_BYTES + wire.HEADER_ROOM_BYTES + 1) + b"never read",
    ],
    ids=["cut length", "cut message", "no protobuf", "too long"],
)
def test_what_is_no_message_is_refused(data):
    with pytest.raises(wire.ProtocolError):
        wire.read(io.BytesIO(data), Song)


def test_frames_are_decoded_however_their_bytes_come():
    frames = [Frame(kind=Frame.PING, payload=b"1"), Frame(kind=Frame.STATUS, stream=3, detail="é" * 100)]
    data = b"".join(map(wire.length_prefixed, frames))
    for size in (1, 3, len(data)):
        decoder, decoded = wire.FrameDecoder(), []
        for start in range(0, len(data), size):
            decoder.feed(data[start : start + size])
            while (frame := decoder.next()) is not None:
                decoded.append(frame)
        assert decoded == frames


@pytest.mark.parametrize(
    "data, code",
    [
        (struct.pack(">I", 0), StatusCode.INVALID_ARGUMENT),
        (struct.pack(">I", 1025), StatusCode.RESOURCE_EXHAUSTED),
        (b"HTTP/1.1 400 Bad Request", StatusCode.RESOURCE_EXHAUSTED),
        (struct.pack(">I", 2) + b"\xff\xff", StatusCode.INVALID_ARGUMENT),
        (struct.pack(">I", 3) + b"\x52\x01\xff", StatusCode.INVALID_ARGUMENT),  # a detail that is no UTF-8
    ],
    ids=["empty", "too long", "HTTP", "no protobuf", "no UTF-8"],
)
def test_what_is_no_frame_is_refused_with_the_status_that_the_peer_is_told(data, code):
    decoder = wire.FrameDecoder()
    decoder.feed(data)
    with pytest.raises(wire.ProtocolError) as raised:
        decoder.next()
    assert raised.value.code == code
