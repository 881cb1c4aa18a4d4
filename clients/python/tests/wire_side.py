"""A channel, with the server's side of its newest connection played by a test, on a clock that the test moves."""

import random

from analysis.v1.frame_pb2 import Frame
from analysisqueue import Options, StatusCode, wire
from analysisqueue.call import Call
from analysisqueue.channel import Channel


class Wire:
    """A channel, its newest connection, and the server's side of that connection."""

    def __init__(self, **options):
        self.now = 1000.0
        self.channel = Channel("unix:/test", Options(**options), random.Random(1))
        self.connection = None

    def start(self, message=b"request", **fields) -> Call:
        call = Call("test.Service/Method", message, **fields)
        self.channel.start(call, self.now)
        return call

    def connect(self, **hello) -> list[Frame]:
        """Answers the connection that is being made with HELLO; what the client then says."""
        (self.connection,) = self.channel.take_new()
        assert [frame.kind for frame in self.said()] == [Frame.HELLO]
        return self.hear(Frame.HELLO, version=1, **hello)

    def hear(self, kind, stream=0, **fields) -> list[Frame]:
        """The server sends a frame; what the client says to that."""
        return self.hear_bytes(wire.length_prefixed(Frame(kind=kind, stream=stream, **fields)))

    def hear_bytes(self, data) -> list[Frame]:
        self.channel.receive(self.connection, data, self.now)
        return self.said()

    def said(self) -> list[Frame]:
        decoder, frames = wire.FrameDecoder(8 << 20), []
        decoder.feed(self.connection.take_output())
        while (frame := decoder.next()) is not None:
            frames.append(frame)
        return frames

    def pass_time(self, seconds) -> list[Frame]:
        self.now += seconds
        self.channel.tick(self.now)
        return self.said() if self.connection else []

    def lose(self):
        self.channel.lose(self.connection, "gone", self.now)

    @property
    def is_connecting(self) -> bool:
        new = self.channel.take_new()
        self.connection = new[0] if new else self.connection
        return bool(new)


def code(call: Call) -> StatusCode | None:
    assert call.ended
    return call.error.code if call.error else None
