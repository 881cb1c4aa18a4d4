"""The sync and the asyncio client when connections are lost and servers drain, against a peer that is played frame by frame."""

import concurrent.futures

import pytest

from analysis.v1 import jobs_pb2, progress_pb2, queue_pb2
from analysis.v1.frame_pb2 import Frame
from analysisqueue import Queue, RPCError, StatusCode
from peer import QUICK, TIMEOUT, failure

pytestmark = pytest.mark.timeout(60)

JOB = queue_pb2.JobRequest(job_id="0-17")


def test_an_idempotent_call_is_made_again_when_its_connection_is_lost(peer, shell):
    reply = shell(peer.address, options=QUICK).background(Queue.GetJob, JOB)
    peer.accept(), peer.receive()
    peer.drop()
    peer.accept()
    assert peer.receive().method == "analysis.v1.Queue/GetJob"
    peer.reply(1, jobs_pb2.Job(id="again"))
    assert reply.result(TIMEOUT).id == "again"


def test_another_call_is_not_made_again_and_the_next_one_connects(peer, shell):
    client = shell(peer.address, options=QUICK)
    events = client.start(Queue.Follow, queue_pb2.FollowRequest())
    peer.accept(), peer.receive()
    peer.drop()
    with pytest.raises(RPCError) as raised:
        client.next(events)
    assert raised.value.code == StatusCode.UNAVAILABLE
    reply = client.background(Queue.GetJob, JOB, wait_for_ready=True)
    peer.accept()
    assert peer.receive().stream == 1
    peer.reply(1, jobs_pb2.Job())
    assert reply.result(TIMEOUT) == jobs_pb2.Job()


def test_a_call_that_cannot_be_served_now_is_made_again_when_the_server_says(peer, shell):
    reply = shell(peer.address).background(Queue.GetJob, JOB)
    peer.accept(), peer.receive()
    peer.send(Frame.STATUS, 1, status=StatusCode.UNAVAILABLE, retry_after_us=1000)
    assert peer.receive().stream == 3
    peer.reply(3, jobs_pb2.Job(id="later"))
    assert reply.result(TIMEOUT).id == "later"


def test_after_goaway_accepted_calls_finish_and_the_others_go_elsewhere(peer, shell):
    client = shell(peer.address, options=QUICK)
    accepted = client.start(Queue.Follow, queue_pb2.FollowRequest())
    peer.accept(), peer.receive()
    elsewhere = client.start(Queue.Follow, queue_pb2.FollowRequest(), wait_for_ready=True)
    peer.receive()
    old = peer.connection
    peer.send(Frame.GOAWAY, last_stream=1, status=StatusCode.UNAVAILABLE, detail="stopping")
    peer.accept()
    assert peer.receive().stream == 1
    peer.message(1, queue_pb2.Event(cursor="new"))
    assert client.next(elsewhere).cursor == "new"
    peer.connection, new = old, peer.connection
    peer.message(1, queue_pb2.Event(cursor="old"))
    peer.send(Frame.STATUS, 1)
    assert [event.cursor for event in client.rest(accepted)] == ["old"]
    assert old.recv(1) == b""
    new.close()


def test_a_watch_goes_on_where_it_was_cut_and_repeats_nothing(peer, shell):
    client = shell(peer.address, options=QUICK)
    request = progress_pb2.WatchRequest(user_id="ada", active_jobs=True)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        views = pool.submit(client.take, client.client.watch(request), 2)
        half, done = (progress_pb2.ProgressView(version=n, fraction=n / 2) for n in (1, 2))
        peer.accept(), peer.receive()
        peer.message(1, half)
        peer.drop()
        peer.accept()
        again = progress_pb2.WatchRequest.FromString(peer.receive().payload)
        assert again == progress_pb2.WatchRequest(user_id="ada", active_jobs=True, since_version=1)
        peer.message(1, done)
        assert views.result(TIMEOUT) == [half, done]
    assert peer.receive().kind == Frame.CANCEL


def test_the_event_log_goes_on_after_the_last_event_seen(peer, shell):
    client = shell(peer.address, options=QUICK)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        events = pool.submit(client.take, client.client.follow(queue_pb2.FollowRequest()), 2)
        peer.accept(), peer.receive()
        peer.message(1, queue_pb2.Event(lane="0", cursor="7"))
        peer.send(Frame.STATUS, 1, status=StatusCode.UNAVAILABLE, retry_after_us=1000)
        call = peer.receive()
        request = queue_pb2.FollowRequest.FromString(call.payload)
        assert [(lane.lane, lane.cursor) for lane in request.cursors] == [("0", "7")]
        peer.message(call.stream, queue_pb2.Event(lane="0", cursor="8"))
        assert [event.cursor for event in events.result(TIMEOUT)] == ["7", "8"]


def test_a_watch_that_is_refused_raises_why(peer, shell):
    client = shell(peer.address)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        views = pool.submit(client.take, client.client.watch(progress_pb2.WatchRequest()), 1)
        peer.accept(), peer.receive()
        peer.send(Frame.STATUS, 1, status=StatusCode.INVALID_ARGUMENT, detail="nothing to watch")
        assert failure(views).detail == "nothing to watch"
