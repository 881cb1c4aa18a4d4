"""The client against a peer that is played frame by frame."""

import contextlib
import gc
import queue
import socket
import threading

import pytest

from analysis.v1 import jobs_pb2, queue_pb2, workers_pb2
from analysis.v1.frame_pb2 import Frame
from analysisqueue import Client, RPCError, StatusCode, wire
from analysisqueue.connection import CREDIT_BYTES

pytestmark = pytest.mark.timeout(60)


class Peer:
    """A server that the test plays: it greets, then the test reads and sends single frames."""

    def __init__(self, folder, greeting=Frame(kind=Frame.HELLO, version=1)):
        self.address = f"unix:{folder}/s"
        self._greeting = greeting
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/s")
        self._listener.listen()
        self._connections = queue.SimpleQueue()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                connection.sendall(wire.length_prefixed(self._greeting))
                self._connections.put(connection)

    def accept(self):
        """The next connection, with the client's HELLO read."""
        self.connection = self._connections.get(timeout=10)
        self.frames = self.connection.makefile("rb")
        hello = self.receive()
        assert (hello.kind, hello.version, hello.credit) == (Frame.HELLO, 1, CREDIT_BYTES)

    def receive(self) -> Frame:
        return wire.read(self.frames, Frame)

    def send(self, **fields):
        self.connection.sendall(wire.length_prefixed(Frame(**fields)))

    def drop(self):
        self.frames.close()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def close(self):
        self._listener.close()


@pytest.fixture
def peer(tmp_path):
    peer = Peer(tmp_path)
    yield peer
    peer.close()


@pytest.fixture
def service(peer):
    with Client(peer.address) as client:
        yield client.service(queue_pb2, "Queue")


def in_background(function, *arguments, **options):
    """Runs a call in a thread; its outcome comes out of the queue."""
    outcome = queue.SimpleQueue()

    def run():
        try:
            outcome.put(function(*arguments, **options))
        except Exception as error:
            outcome.put(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome


def test_a_unary_call_carries_everything_and_returns_its_reply(peer, service):
    outcome = in_background(
        service.GetJob, queue_pb2.JobRequest(job_id="0-17"), timeout=5, metadata=[("trace", "é"), ("key-bin", b"\xff")])
    peer.accept()
    call = peer.receive()
    assert (call.kind, call.stream, call.method) == (Frame.CALL, 1, "analysis.v1.Queue/GetJob")
    assert (call.has_message, call.end, call.timeout_us) == (True, True, 5_000_000)
    assert [(h.name, h.value) for h in call.metadata] == [("trace", "é".encode()), ("key-bin", b"\xff")]
    assert queue_pb2.JobRequest.FromString(call.payload).job_id == "0-17"
    peer.send(kind=Frame.STATUS, stream=1, has_message=True, payload=jobs_pb2.Job(id="0-17").SerializeToString())
    assert outcome.get(timeout=10) == jobs_pb2.Job(id="0-17")


def test_an_empty_reply_is_a_reply(peer, service):
    outcome = in_background(service.GetJob, queue_pb2.JobRequest())
    peer.accept()
    assert peer.receive().timeout_us == 0
    peer.send(kind=Frame.STATUS, stream=1, has_message=True)
    assert outcome.get(timeout=10) == jobs_pb2.Job()


def test_a_status_becomes_an_error_with_all_it_says(peer, service):
    outcome = in_background(service.GetJob, queue_pb2.JobRequest())
    peer.accept()
    peer.receive()
    peer.send(
        kind=Frame.STATUS, stream=1, status=14, detail="Redis is away", retry_after_us=1_500_000,
        metadata=[{"name": "why", "value": b"loading"}, {"name": "raw-bin", "value": b"\xff"}])
    error = outcome.get(timeout=10)
    assert (error.code, error.detail, error.retry_after) == (StatusCode.UNAVAILABLE, "Redis is away", 1.5)
    assert error.metadata == [("why", "loading"), ("raw-bin", b"\xff")]


def test_a_stream_gives_its_messages_and_returns_the_credit_that_they_used(peer, service):
    events = service.Follow(queue_pb2.FollowRequest())
    peer.accept()
    stream = peer.receive().stream
    big = queue_pb2.Event(reason="x" * 50_000).SerializeToString()
    for _ in range(3):
        peer.send(kind=Frame.MESSAGE, stream=stream, has_message=True, payload=big)
    assert [len(next(events).reason) for _ in range(3)] == [50_000] * 3
    credit = peer.receive()
    assert (credit.kind, credit.stream, credit.credit) == (Frame.CREDIT, stream, 3 * (len(big) + 32))
    peer.send(kind=Frame.STATUS, stream=stream)
    assert list(events) == []


def test_a_stream_raises_the_error_after_its_messages(peer, service):
    events = service.Follow(queue_pb2.FollowRequest())
    peer.accept()
    peer.receive()
    peer.send(kind=Frame.MESSAGE, stream=1, has_message=True, payload=queue_pb2.Event(cursor="1").SerializeToString())
    peer.send(kind=Frame.STATUS, stream=1, status=StatusCode.NOT_FOUND)
    assert next(events).cursor == "1"
    with pytest.raises(RPCError) as raised:
        next(events)
    assert raised.value.code == StatusCode.NOT_FOUND


def test_calls_share_a_connection_and_do_not_mix(peer, service):
    first = service.Follow(queue_pb2.FollowRequest())
    second = in_background(service.GetJob, queue_pb2.JobRequest())
    peer.accept()
    methods = {call.stream: call.method for call in (peer.receive(), peer.receive())}
    assert methods == {1: "analysis.v1.Queue/Follow", 3: "analysis.v1.Queue/GetJob"}
    peer.send(kind=Frame.STATUS, stream=3, has_message=True, payload=jobs_pb2.Job(id="j").SerializeToString())
    peer.send(kind=Frame.MESSAGE, stream=1, has_message=True, payload=queue_pb2.Event(cursor="c").SerializeToString())
    assert second.get(timeout=10).id == "j"
    assert next(first).cursor == "c"


def test_a_deadline_that_passes_cancels_the_call(peer, service):
    outcome = in_background(service.GetJob, queue_pb2.JobRequest(), timeout=0.05)
    peer.accept()
    assert peer.receive().kind == Frame.CALL
    cancel = peer.receive()
    assert (cancel.kind, cancel.stream) == (Frame.CANCEL, 1)
    assert outcome.get(timeout=10).code == StatusCode.DEADLINE_EXCEEDED


def test_dropping_a_stream_cancels_it(peer, service):
    events = service.Follow(queue_pb2.FollowRequest())
    peer.accept()
    peer.receive()
    del events
    gc.collect()
    assert peer.receive().kind == Frame.CANCEL


def test_a_ping_is_answered_while_nobody_reads(peer, service):
    events = service.Follow(queue_pb2.FollowRequest())
    peer.accept()
    peer.receive()
    peer.send(kind=Frame.PING, payload=b"12345678")
    pong = peer.receive()
    assert (pong.kind, pong.payload) == (Frame.PONG, b"12345678")
    events.close()


def test_a_lost_connection_fails_its_calls_and_the_next_call_connects_again(peer, service):
    outcome = in_background(service.GetJob, queue_pb2.JobRequest())
    peer.accept()
    peer.receive()
    peer.drop()
    assert outcome.get(timeout=10).code == StatusCode.UNAVAILABLE
    outcome = in_background(service.GetJob, queue_pb2.JobRequest())
    peer.accept()
    assert peer.receive().stream == 1
    peer.send(kind=Frame.STATUS, stream=1, has_message=True)
    assert outcome.get(timeout=10) == jobs_pb2.Job()


def test_after_goaway_accepted_calls_finish_and_new_ones_go_elsewhere(peer, service):
    accepted = service.Follow(queue_pb2.FollowRequest())
    refused = service.Follow(queue_pb2.FollowRequest())
    peer.accept()
    peer.receive(), peer.receive()
    peer.send(kind=Frame.GOAWAY, last_stream=1, detail="stopping")
    with pytest.raises(RPCError, match="stopping"):
        next(refused)
    old = peer.connection
    outcome = in_background(service.GetJob, queue_pb2.JobRequest())
    peer.accept()
    peer.receive()
    peer.send(kind=Frame.STATUS, stream=1, has_message=True)
    assert outcome.get(timeout=10) == jobs_pb2.Job()
    old.sendall(wire.length_prefixed(Frame(kind=Frame.STATUS, stream=1)))
    assert list(accepted) == []


def test_a_peer_that_sends_no_frames_fails_the_calls(peer, service):
    outcome = in_background(service.GetJob, queue_pb2.JobRequest())
    peer.accept()
    peer.receive()
    peer.connection.sendall(b"\0\0\0\x02\xff\xff")
    assert outcome.get(timeout=10).code == StatusCode.INTERNAL


def test_another_version_is_not_spoken(tmp_path):
    peer = Peer(tmp_path, greeting=Frame(kind=Frame.HELLO, version=2))
    with pytest.raises(RPCError, match="version 1"):
        Client(peer.address).service(queue_pb2, "Queue").GetJob(queue_pb2.JobRequest())


def test_nobody_there_is_unavailable(tmp_path):
    with pytest.raises(RPCError) as raised:
        Client(f"unix:{tmp_path}/none").service(queue_pb2, "Queue").GetJob(queue_pb2.JobRequest())
    assert raised.value.code == StatusCode.UNAVAILABLE


def test_a_message_over_the_servers_limit_is_not_sent(tmp_path):
    peer = Peer(tmp_path, greeting=Frame(kind=Frame.HELLO, version=1, max_message_bytes=1000))
    with pytest.raises(RPCError) as raised:
        Client(peer.address).service(queue_pb2, "Queue").GetJob(queue_pb2.JobRequest(job_id="x" * 1001))
    assert raised.value.code == StatusCode.RESOURCE_EXHAUSTED


def test_only_methods_that_take_one_request_are_offered(peer, service):
    with pytest.raises(AttributeError, match="Queue has no method Frobnicate"):
        service.Frobnicate
    with pytest.raises(AttributeError, match="Work"):
        Client(peer.address).service(workers_pb2, "Workers").Work
    with pytest.raises(TypeError, match="takes analysis.v1.JobRequest"):
        service.GetJob(queue_pb2.EnqueueRequest())
