"""The sync and the asyncio client against a peer that is played frame by frame."""

import concurrent.futures
import gc

import pytest

from analysis.v1 import jobs_pb2, progress_pb2, queue_pb2, workers_pb2
from analysis.v1.frame_pb2 import Frame
from analysisqueue import Catalog, Health, Options, Progress, Queue, RPCError, StatusCode, Workers
from analysisqueue.methods import Method
from peer import QUICK, TIMEOUT, AsyncShell, Peer, failure

pytestmark = pytest.mark.timeout(60)

JOB = queue_pb2.JobRequest(job_id="0-17")


def test_a_unary_call_carries_everything_and_returns_its_reply(peer, shell):
    reply = shell(peer.address, token="secret").background(
        Queue.GetJob, JOB, timeout=5, metadata=[("trace", "é"), ("key-bin", b"\xff")])
    hello = peer.accept()
    assert (hello.kind, hello.version, hello.credit, hello.max_message_bytes) == (Frame.HELLO, 1, 64 << 10, 4 << 20)
    call = peer.receive()
    assert (call.kind, call.stream, call.method) == (Frame.CALL, 1, "analysis.v1.Queue/GetJob")
    assert call.has_message and call.end and 0 < call.timeout_us <= 5_000_000
    assert [(h.name, h.value) for h in call.metadata] == [
        ("authorization", b"Bearer secret"), ("trace", "é".encode()), ("key-bin", b"\xff")]
    assert queue_pb2.JobRequest.FromString(call.payload) == JOB
    peer.reply(1, jobs_pb2.Job(id="0-17"))
    assert reply.result(TIMEOUT) == jobs_pb2.Job(id="0-17")


def test_an_empty_reply_is_a_reply(peer, shell):
    reply = shell(peer.address).background(Queue.GetJob, JOB)
    peer.accept()
    assert peer.receive().timeout_us == 0
    peer.send(Frame.STATUS, 1, has_message=True)
    assert reply.result(TIMEOUT) == jobs_pb2.Job()


def test_a_status_becomes_an_error_with_all_it_says(peer, shell):
    reply = shell(peer.address).background(Queue.GetJob, JOB)
    peer.accept(), peer.receive()
    peer.send(
        Frame.STATUS, 1, status=9, detail="paused",
        metadata=[{"name": "why", "value": b"asked"}, {"name": "raw-bin", "value": b"\xff"}])
    error = failure(reply)
    assert (error.code, error.detail) == (StatusCode.FAILED_PRECONDITION, "paused")
    assert error.metadata == [("why", "asked"), ("raw-bin", b"\xff")]


def test_metadata_leads_and_trails_the_reply(peer, shell):
    client = shell(peer.address)
    call = client.start(Queue.Follow, queue_pb2.FollowRequest())
    peer.accept(), peer.receive()
    peer.send(Frame.MESSAGE, 1, has_message=True, metadata=[{"name": "first", "value": b"1"}])
    peer.send(Frame.STATUS, 1, metadata=[{"name": "last", "value": b"2"}])
    assert client.rest(call) == [queue_pb2.Event()]
    assert (call.leading_metadata, call.trailing_metadata) == ([("first", "1")], [("last", "2")])


def test_a_stream_gives_its_messages_and_returns_the_credit_that_they_used(peer, shell):
    client = shell(peer.address)
    events = client.start(Queue.Follow, queue_pb2.FollowRequest())
    peer.accept(), peer.receive()
    big = queue_pb2.Event(reason="x" * 50_000)
    peer.message(1, big)
    assert client.next(events) == big
    credit = peer.receive()
    assert (credit.kind, credit.stream, credit.credit) == (Frame.CREDIT, 1, big.ByteSize() + 32)
    peer.send(Frame.STATUS, 1)
    assert client.rest(events) == []


def test_a_stream_raises_the_error_after_its_messages(peer, shell):
    client = shell(peer.address)
    events = client.start(Queue.Follow, queue_pb2.FollowRequest())
    peer.accept(), peer.receive()
    peer.message(1, queue_pb2.Event(cursor="1"))
    peer.send(Frame.STATUS, 1, status=StatusCode.NOT_FOUND)
    assert client.next(events).cursor == "1"
    with pytest.raises(RPCError) as raised:
        client.next(events)
    assert raised.value.code == StatusCode.NOT_FOUND


def test_requests_stream_to_one_reply(peer, shell):
    reports = [progress_pb2.ProgressReport(job_id=str(number)) for number in range(3)]
    reply = shell(peer.address).background(Progress.Report, reports)
    peer.accept()
    assert not peer.receive().has_message
    assert [progress_pb2.ProgressReport.FromString(peer.receive().payload) for _ in reports] == reports
    assert peer.receive().kind == Frame.END
    peer.reply(1, progress_pb2.ReportReply())
    assert reply.result(TIMEOUT) == progress_pb2.ReportReply()


def test_an_early_answer_ends_the_requests(peer, shell):
    def endless():
        while True:
            yield progress_pb2.ProgressReport(stage="x" * 1000)

    reply = shell(peer.address).background(Progress.Report, endless())
    peer.accept(), peer.receive(), peer.receive()
    peer.send(Frame.STATUS, 1, status=StatusCode.PERMISSION_DENIED)
    assert failure(reply).code == StatusCode.PERMISSION_DENIED


def test_requests_and_replies_stream_both_ways(peer, shell):
    client = shell(peer.address)
    call = client.start(Workers.Work)
    assert client.send(call, workers_pb2.WorkerMessage(sequence=1))
    peer.accept(), peer.receive()
    assert workers_pb2.WorkerMessage.FromString(peer.receive().payload).sequence == 1
    peer.message(1, workers_pb2.WorkerCommand(wake={"lane": "0"}))
    assert client.next(call).wake.lane == "0"
    client.do(call.end)
    assert peer.receive().kind == Frame.END
    assert not client.send(call, workers_pb2.WorkerMessage())
    peer.send(Frame.STATUS, 1)
    assert client.rest(call) == []


def test_requests_wait_for_the_servers_credit(tmp_path, shell):
    peer = Peer(tmp_path, greeting=Frame(kind=Frame.HELLO, version=1, credit=1))
    count = 3
    reply = shell(peer.address).background(
        Progress.Report, [progress_pb2.ProgressReport(epoch=n) for n in range(1, count + 1)])
    peer.accept(), peer.receive()
    for epoch in range(1, count + 1):
        message = peer.receive()
        assert progress_pb2.ProgressReport.FromString(message.payload).epoch == epoch
        peer.send(Frame.PING)  # The answer to it comes before anything that waits for credit.
        if epoch < count:
            assert peer.receive().kind == Frame.PONG
            peer.send(Frame.CREDIT, 1, credit=len(message.payload) + 32)
    assert {peer.receive().kind, peer.receive().kind} == {Frame.PONG, Frame.END}
    peer.reply(1, progress_pb2.ReportReply())
    reply.result(TIMEOUT)


def test_a_request_larger_than_the_sockets_buffer_goes_out_as_the_server_reads(peer, shell):
    client = shell(peer.address, options=QUICK)
    call = client.start(Progress.Report)
    peer.accept(), peer.receive()
    report = progress_pb2.ProgressReport(stage="x" * 3_000_000)
    client.send(call, report)
    assert progress_pb2.ProgressReport.FromString(peer.receive().payload) == report
    client.do(call.end)
    assert peer.receive().kind == Frame.END
    peer.reply(1, progress_pb2.ReportReply())
    assert client.result(call) == progress_pb2.ReportReply()


def test_calls_share_a_connection_and_do_not_mix(peer, shell):
    client = shell(peer.address)
    events = client.start(Queue.Follow, queue_pb2.FollowRequest())
    reply = client.background(Queue.GetJob, JOB)
    peer.accept()
    methods = {call.stream: call.method for call in (peer.receive(), peer.receive())}
    assert methods == {1: "analysis.v1.Queue/Follow", 3: "analysis.v1.Queue/GetJob"}
    peer.reply(3, jobs_pb2.Job(id="j"))
    peer.message(1, queue_pb2.Event(cursor="c"))
    assert reply.result(TIMEOUT).id == "j"
    assert client.next(events).cursor == "c"


def test_a_deadline_that_passes_cancels_the_call(peer, shell):
    reply = shell(peer.address).background(Queue.GetJob, JOB, timeout=0.3)
    peer.accept()
    assert peer.receive().kind == Frame.CALL
    cancel = peer.receive()
    assert (cancel.kind, cancel.stream) == (Frame.CANCEL, 1)
    assert failure(reply).code == StatusCode.DEADLINE_EXCEEDED


def test_a_deadline_passes_while_nobody_answers(tmp_path, shell):
    reply = shell(f"unix:{tmp_path}/none", options=QUICK).background(Queue.GetJob, JOB, timeout=0.1, wait_for_ready=True)
    error = failure(reply)
    assert error.code == StatusCode.DEADLINE_EXCEEDED and f"unix:{tmp_path}/none cannot be reached" in error.detail


def test_cancelling_tells_the_server_and_whoever_waits(peer, shell):
    client = shell(peer.address)
    call = client.start(Queue.GetJob, JOB)
    peer.accept(), peer.receive()
    client.do(call.cancel)
    assert peer.receive().kind == Frame.CANCEL
    with pytest.raises(RPCError) as raised:
        client.result(call)
    assert raised.value.code == StatusCode.CANCELLED


def test_dropping_a_stream_cancels_it(peer, shell):
    client = shell(peer.address, options=QUICK)
    events = client.start(Queue.Follow, queue_pb2.FollowRequest())
    peer.accept(), peer.receive()
    del events
    gc.collect()
    assert peer.receive().kind == Frame.CANCEL


@pytest.mark.parametrize("shell", [AsyncShell], ids=["asyncio"], indirect=True)
def test_a_cancelled_task_cancels_its_call(peer, shell):
    reply = shell(peer.address).background(Queue.GetJob, JOB)
    peer.accept(), peer.receive()
    assert reply.cancel()
    assert peer.receive().kind == Frame.CANCEL


def test_a_ping_is_answered_while_nobody_reads(peer, shell):
    events = shell(peer.address).start(Queue.Follow, queue_pb2.FollowRequest())
    peer.accept(), peer.receive()
    peer.send(Frame.PING, payload=b"12345678")
    assert peer.receive() == Frame(kind=Frame.PONG, payload=b"12345678")
    del events


def test_a_server_that_is_silent_is_given_up(peer, shell):
    options = Options(keepalive_interval=0.05, keepalive_timeout=0.05, max_attempts=1)
    reply = shell(peer.address, options=options).background(Queue.GetJob, JOB)
    peer.accept(), peer.receive()
    assert peer.receive().kind == Frame.PING
    error = failure(reply)
    assert error.code == StatusCode.UNAVAILABLE and "nothing was heard for 0.1 s" in error.detail
    assert peer.receive() is None


def test_a_peer_that_sends_no_frames_is_told_so_and_fails_the_calls(peer, shell):
    reply = shell(peer.address).background(Queue.GetJob, JOB)
    peer.accept(), peer.receive()
    peer.connection.sendall(b"\0\0\0\x02\xff\xff")
    assert failure(reply).code == StatusCode.INTERNAL
    goaway = peer.receive()
    assert (goaway.kind, goaway.status) == (Frame.GOAWAY, StatusCode.INVALID_ARGUMENT)
    assert peer.receive() is None


def test_another_version_is_not_spoken(tmp_path, shell):
    peer = Peer(tmp_path, greeting=Frame(kind=Frame.HELLO, version=2))
    error = failure(shell(peer.address, options=QUICK).background(Queue.GetJob, JOB))
    assert error.code == StatusCode.UNAVAILABLE and "version 1 is" in error.detail


def test_a_server_that_does_not_greet_is_given_up(tmp_path, shell):
    peer = Peer(tmp_path, greeting=None)
    options = Options(connect_timeout=0.05, max_attempts=1)
    error = failure(shell(peer.address, options=options).background(Queue.GetJob, JOB))
    assert error.code == StatusCode.UNAVAILABLE and "did not say HELLO within 0.05 s" in error.detail


def test_nobody_there_is_unavailable(tmp_path, shell):
    error = failure(shell(f"unix:{tmp_path}/none", options=QUICK).background(Queue.GetJob, JOB))
    assert error.code == StatusCode.UNAVAILABLE and "cannot be reached" in error.detail


def test_a_call_that_waits_for_ready_finds_a_server_that_comes_later(tmp_path, shell):
    reply = shell(f"unix:{tmp_path}/s", options=QUICK).background(Queue.GetJob, JOB, wait_for_ready=True)
    with pytest.raises(concurrent.futures.TimeoutError):
        reply.result(0.05)
    peer = Peer(tmp_path)
    peer.accept(), peer.receive()
    peer.reply(1, jobs_pb2.Job(id="late"))
    assert reply.result(TIMEOUT).id == "late"


def test_closing_ends_calls_and_the_next_ones(peer, shell):
    client = shell(peer.address, options=QUICK)
    reply = client.background(Queue.GetJob, JOB)
    peer.accept(), peer.receive()
    client.close()
    assert failure(reply).code == StatusCode.CANCELLED
    while peer.receive() is not None:
        pass


def test_what_does_not_fit_a_method_is_refused_before_it_is_sent(peer, shell):
    client = shell(peer.address)
    with pytest.raises(TypeError, match="analysis.v1.Queue/GetJob takes analysis.v1.JobRequest, not EnqueueRequest"):
        client.start(Queue.GetJob, queue_pb2.EnqueueRequest())
    with pytest.raises(ValueError, match="must be lower case: 'trace'"):
        client.start(Queue.GetJob, JOB, metadata=[("Trace", "1")])
    with pytest.raises(TypeError, match="'key-bin' must be bytes"):
        client.start(Queue.GetJob, JOB, metadata=[("key-bin", "text")])
    with pytest.raises(ValueError, match="the metadata takes 70037 bytes; a call has room for 8192"):
        client.start(Queue.GetJob, JOB, metadata=[("trace", "x" * 70_000)])


def test_unary_calls_of_idempotent_methods_alone_are_made_again():
    services = (Queue, Catalog, Health)
    repeatable = {name: method.is_repeatable for service in services for name, method in vars(service).items() if isinstance(method, Method)}
    assert repeatable["GetJob"] and repeatable["Enqueue"] and repeatable["Check"]
    assert not repeatable["Follow"] and not repeatable["ExportUser"] and not repeatable["Watch"]
