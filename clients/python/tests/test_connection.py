"""The state machine of calls and connections against proto/PROTOCOL.md, without sockets and clocks."""

import pytest

from analysis.v1.frame_pb2 import Frame
from analysisqueue import RPCError, StatusCode, wire
from wire_side import Wire, code


# Calls


def test_nothing_is_connected_before_a_call_is_made():
    test = Wire()
    assert not test.channel.take_new()
    test.start()
    assert test.connect()[0].kind == Frame.CALL


def test_streams_are_odd_and_rise():
    test = Wire()
    test.start(), test.start()
    test.connect()
    test.start()
    assert [frame.stream for frame in test.said()] == [5]


def test_the_timeout_is_what_remains_when_the_call_is_sent():
    test = Wire()
    test.start(deadline=test.now + 1.5)
    test.now += 0.5
    assert test.connect()[0].timeout_us == 1_000_000


def test_an_unknown_status_reads_as_unknown():
    test = Wire()
    call = test.start()
    test.connect()
    test.hear(Frame.STATUS, 1, status=99)
    assert code(call) is StatusCode.UNKNOWN


def test_calls_beyond_max_streams_wait_for_one_to_end():
    test = Wire()
    test.start(), test.start()
    assert [frame.stream for frame in test.connect(max_streams=1)] == [1]
    assert [frame.stream for frame in test.hear(Frame.STATUS, 1)] == [3]


def test_a_cancelled_call_counts_as_open_until_its_status():
    test = Wire()
    call = test.start()
    test.connect(max_streams=1)
    test.channel.cancel(call, RPCError(StatusCode.CANCELLED))
    test.start()
    assert [frame.kind for frame in test.said()] == [Frame.CANCEL]
    assert not test.hear(Frame.MESSAGE, 1, has_message=True, payload=b"late")
    assert [frame.kind for frame in test.hear(Frame.STATUS, 1)] == [Frame.CALL]


def test_a_deadline_cancels_and_what_arrived_is_dropped():
    test = Wire()
    call = test.start(deadline=test.now + 1)
    test.connect()
    test.hear(Frame.MESSAGE, 1, has_message=True)
    assert test.channel.due <= test.now + 1
    assert [frame.kind for frame in test.pass_time(1)] == [Frame.CANCEL]
    assert code(call) is StatusCode.DEADLINE_EXCEEDED
    assert test.channel.take(call) is None


def test_a_request_over_the_servers_limit_is_not_sent():
    test = Wire()
    first, second = test.start(b"x" * 11), test.start(None)
    assert [frame.stream for frame in test.connect(max_message_bytes=10)] == [1]
    assert code(first) is StatusCode.RESOURCE_EXHAUSTED and "limit of 10" in first.error.detail
    test.channel.send(second, b"x" * 11, test.now)
    assert [frame.kind for frame in test.said()] == [Frame.CANCEL]
    assert code(second) is StatusCode.RESOURCE_EXHAUSTED


def test_a_reply_over_the_limit_within_a_legal_frame_ends_its_call_alone():
    test = Wire(max_message_bytes=10)
    call, other = test.start(), test.start()
    test.connect()
    assert [frame.kind for frame in test.hear(Frame.MESSAGE, 1, has_message=True, payload=b"x" * 11)] == [Frame.CANCEL]
    assert code(call) is StatusCode.RESOURCE_EXHAUSTED
    assert not other.ended


# Credit


def test_a_message_goes_while_credit_is_above_zero_and_may_take_it_below():
    test = Wire()
    call = test.start(None)
    test.connect(credit=40)
    test.channel.send(call, b"x" * 100, test.now)
    assert [frame.kind for frame in test.said()] == [Frame.MESSAGE]
    test.channel.send(call, b"next", test.now)
    assert not test.said() and not call.is_writable
    assert not test.hear(Frame.CREDIT, 1, credit=92)
    assert [frame.payload for frame in test.hear(Frame.CREDIT, 1, credit=1)] == [b"next"]
    assert call.is_writable


def test_a_hello_that_names_no_credit_gives_each_stream_64_kib():
    test = Wire()
    call = test.start(None)
    test.connect()
    for message in (b"x" * ((64 << 10) - 32 - 1), b"fits", b"beyond"):
        test.channel.send(call, message, test.now)
    assert [len(frame.payload) for frame in test.said()] == [(64 << 10) - 33, 4]


def test_the_end_waits_for_the_messages_before_it():
    test = Wire()
    call = test.start(None)
    test.connect(credit=1)
    for message in (b"1", b"2"):
        test.channel.send(call, message, test.now)
    test.channel.end(call, test.now)
    assert [frame.payload for frame in test.said()] == [b"1"]
    assert [frame.kind for frame in test.hear(Frame.CREDIT, 1, credit=100)] == [Frame.MESSAGE, Frame.END]


def test_credit_goes_back_in_halves_of_the_window_as_messages_are_taken():
    test = Wire(credit_bytes=200)
    call = test.start()
    test.connect()
    for _ in range(3):
        test.hear(Frame.MESSAGE, 1, has_message=True, payload=b"x" * 28)
    assert test.channel.take(call) and not test.said()
    test.channel.take(call)
    assert [frame.credit for frame in test.said()] == [120]
    for _ in range(2):  # 200 - 5 * 60 + 120: the second one takes what is left, and more
        test.hear(Frame.MESSAGE, 1, has_message=True, payload=b"x" * 28)
    assert not test.connection.is_closed


def test_the_message_of_a_status_needs_no_credit():
    test = Wire(credit_bytes=10)
    call = test.start()
    test.connect()
    test.hear(Frame.MESSAGE, 1, has_message=True)
    test.hear(Frame.STATUS, 1, has_message=True, payload=b"last")
    assert [test.channel.take(call), test.channel.take(call), code(call)] == [b"", b"last", None]


# A server that breaks the protocol


@pytest.mark.parametrize(
    "frames, status",
    [
        ([dict(kind=Frame.HELLO, version=1)], StatusCode.INVALID_ARGUMENT),
        ([dict(kind=99)], StatusCode.INVALID_ARGUMENT),
        ([dict()], StatusCode.INVALID_ARGUMENT),
        ([dict(kind=Frame.CALL, stream=1)], StatusCode.INVALID_ARGUMENT),
        ([dict(kind=Frame.MESSAGE, stream=1)], StatusCode.INVALID_ARGUMENT),
        ([dict(kind=Frame.MESSAGE, stream=2, has_message=True)], StatusCode.INVALID_ARGUMENT),
        ([dict(kind=Frame.STATUS, stream=3)], StatusCode.INVALID_ARGUMENT),
        ([dict(kind=Frame.CREDIT, stream=1)], StatusCode.INVALID_ARGUMENT),
        ([dict(kind=Frame.CREDIT, stream=1, credit=2**31 - 1)], StatusCode.INVALID_ARGUMENT),
        ([dict(kind=Frame.PING, payload=b"123456789")], StatusCode.INVALID_ARGUMENT),
        ([dict(kind=Frame.MESSAGE, stream=1, has_message=True, payload=b"x" * 300_000)] * 2, StatusCode.INVALID_ARGUMENT),
    ],
    ids=[
        "second HELLO", "unknown kind", "no kind", "CALL", "MESSAGE without message", "even stream", "stream without call",
        "no credit", "too much credit", "long PING", "beyond the credit",
    ],
)
def test_a_breach_is_told_to_the_server_closes_and_fails_the_calls(frames, status):
    test = Wire()
    call = test.start()
    test.connect()
    said = [answer for frame in frames for answer in test.hear_bytes(wire.length_prefixed(Frame(**frame)))]
    assert [(frame.kind, frame.status) for frame in said] == [(Frame.GOAWAY, status)]
    assert test.connection.is_closed and code(call) is StatusCode.INTERNAL


@pytest.mark.parametrize(
    "first, status",
    [
        (dict(kind=Frame.PING), StatusCode.INVALID_ARGUMENT),
        (dict(kind=Frame.HELLO, version=2), StatusCode.UNIMPLEMENTED),
        (dict(kind=Frame.HELLO, version=1, credit=2**31), StatusCode.INVALID_ARGUMENT),
        (dict(kind=Frame.HELLO, version=1, detail="x" * 1024), StatusCode.RESOURCE_EXHAUSTED),
    ],
    ids=["no HELLO", "version", "credit", "long"],
)
def test_a_greeting_that_is_none_is_refused(first, status):
    test = Wire()
    call = test.start()
    (test.connection,) = test.channel.take_new()
    test.said()
    assert [(frame.kind, frame.status) for frame in test.hear(**first)] == [(Frame.GOAWAY, status)]
    assert test.connection.is_closed and code(call) is StatusCode.UNAVAILABLE


def test_frames_of_a_call_that_has_ended_are_ignored():
    test = Wire()
    test.start()
    test.connect()
    test.hear(Frame.STATUS, 1)
    for late in (Frame.MESSAGE, Frame.CREDIT, Frame.STATUS):
        assert not test.hear(late, 1)
    assert not test.connection.is_closed


# Keeping alive


def test_a_silent_server_is_asked_and_then_given_up():
    test = Wire()
    call = test.start()
    test.connect()
    assert not test.pass_time(19)
    assert [frame.kind for frame in test.pass_time(1)] == [Frame.PING]
    assert not test.hear(Frame.PONG)
    assert [frame.kind for frame in test.pass_time(20)] == [Frame.PING]
    test.pass_time(10)
    assert test.connection.is_closed and code(call) is StatusCode.UNAVAILABLE


def test_a_connection_without_calls_is_left_alone():
    test = Wire()
    test.start()
    test.connect()
    test.hear(Frame.STATUS, 1)
    for _ in range(5):
        assert not test.pass_time(100)
    test.start()
    assert [frame.kind for frame in test.said()] == [Frame.CALL]
    assert not test.pass_time(1)


def test_a_server_that_does_not_greet_in_time_is_given_up():
    test = Wire()
    call = test.start()
    assert test.is_connecting
    test.pass_time(2)
    assert test.connection.is_closed and code(call) is StatusCode.UNAVAILABLE
