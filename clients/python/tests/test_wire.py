"""Messages on byte streams, and addresses."""

import io
import socket
import struct

import pytest

from analysis.v1.jobs_pb2 import Song
from analysisqueue import wire


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
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(wire.MalformedFrame):
        wire.read(io.BytesIO(data), Song)


@pytest.mark.parametrize("address", ["", "unix:", "unix:relative", "/run/queue.sock", "tcp://host", "tcp://:1", "http://h:1"])
def test_an_address_that_is_none_is_refused_by_its_name(address):
    with pytest.raises(ValueError, match="neither unix:/path nor tcp://host:port"):
        wire.connect(address)


def test_both_kinds_of_addresses_connect(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        wire.connect(f"unix:{tmp_path}/s").close()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}").close()
    with pytest.raises(OSError):
        wire.connect(f"unix:{tmp_path}/nobody")
