"""Which connection is made when, and which call is made again: the state machine without sockets and clocks."""

import random

import pytest

from analysis.v1.frame_pb2 import Frame
from analysisqueue import Options, StatusCode, wire
from wire_side import Wire, code


# Connecting again


def test_waits_between_attempts_grow_and_vary_and_have_a_most():
    options, chance = Options(), random.Random(1)
    for failures, whole in [(1, 0.05), (2, 0.08), (3, 0.128), (10, 1), (10**6, 1)]:
        waits = [options.backoff(failures, chance) for _ in range(50)]
        assert all(whole / 2 <= wait <= whole + 1e-9 for wait in waits) and len(set(waits)) > 40


def test_a_call_that_waits_for_ready_survives_failed_attempts_and_another_does_not():
    test = Wire()
    patient, hasty = test.start(wait_for_ready=True), test.start()
    assert test.is_connecting
    test.lose()
    assert code(hasty) is StatusCode.UNAVAILABLE and "unix:/test cannot be reached: gone" in hasty.error.detail
    assert not patient.ended and not test.is_connecting
    assert code(test.start()) is StatusCode.UNAVAILABLE  # at once, while backing off
    test.pass_time(0.05)
    assert test.connect()[0].kind == Frame.CALL


def test_a_connection_that_lasted_a_second_is_made_again_at_once_and_a_shorter_one_is_not():
    for lasted, at_once in [(1, True), (0.5, False)]:
        test = Wire()
        test.start()
        test.connect()
        test.now += lasted
        test.lose()
        test.start(wait_for_ready=True)
        assert test.is_connecting == at_once


def test_nothing_is_connected_while_no_call_wants_it():
    test = Wire()
    call = test.start()
    assert test.is_connecting
    test.lose()
    assert call.ended
    test.pass_time(60)
    assert not test.is_connecting


# Making calls again


def test_an_idempotent_call_is_made_again_with_growing_waits_and_then_fails():
    test = Wire()
    call = test.start(idempotent=True)
    test.connect()
    for stream in (1, 3, 5):
        assert not test.hear(Frame.STATUS, stream, status=StatusCode.UNAVAILABLE)
        assert not test.pass_time(0.02) and [frame.kind for frame in test.pass_time(0.2)] == [Frame.CALL]
    test.hear(Frame.STATUS, 7, status=StatusCode.UNAVAILABLE, detail="still away")
    assert code(call) is StatusCode.UNAVAILABLE and call.error.detail == "still away"


def test_who_waits_for_a_call_hears_that_it_is_to_be_made_again():
    woken = []
    test = Wire()
    test.start(idempotent=True, wake=lambda: woken.append(True))
    test.connect()
    test.now += 1
    woken.clear()
    test.lose()
    assert woken and not test.is_connecting and test.channel.due <= test.now + 0.05


def test_the_server_says_when_another_try_can_succeed():
    test = Wire()
    test.start(idempotent=True)
    test.connect()
    test.hear(Frame.STATUS, 1, status=StatusCode.UNAVAILABLE, retry_after_us=5_000_000)
    assert not test.pass_time(4.9)
    assert [frame.kind for frame in test.pass_time(0.1)] == [Frame.CALL]


@pytest.mark.parametrize(
    "call, status",
    [
        (dict(), dict(status=StatusCode.UNAVAILABLE)),
        (dict(idempotent=True, message=None), dict(status=StatusCode.UNAVAILABLE)),
        (dict(idempotent=True), dict(status=StatusCode.NOT_FOUND)),
        (dict(idempotent=True), dict(status=StatusCode.RESOURCE_EXHAUSTED, retry_after_us=1)),
        (dict(idempotent=True), dict(status=StatusCode.UNAVAILABLE, retry_after_us=5_000_001)),
        (dict(idempotent=True, deadline=1000.01), dict(status=StatusCode.UNAVAILABLE)),
    ],
    ids=["not idempotent", "requests follow", "would not help", "refused, not away", "too long a wait", "no time left"],
)
def test_what_cannot_or_need_not_be_repeated_fails_at_once(call, status):
    test = Wire()
    made = test.start(**call)
    test.connect()
    test.hear(Frame.STATUS, 1, **status)
    assert code(made) is status["status"]


def test_nothing_is_made_again_after_five_failures_until_calls_end_in_another_way():
    test = Wire()
    tries = [test.start() for _ in range(5)]
    test.connect()
    for call in tries:
        test.hear(Frame.STATUS, call.stream, status=StatusCode.UNAVAILABLE)
    given_up = test.start(idempotent=True)
    test.hear(Frame.STATUS, given_up.stream, status=StatusCode.UNAVAILABLE)
    assert code(given_up) is StatusCode.UNAVAILABLE
    for status in [StatusCode.OK] * 20 + [StatusCode.NOT_FOUND]:  # 4 tokens, and 2.1; the failure takes 1
        test.hear(Frame.STATUS, test.start().stream, status=status)
    again = test.start(idempotent=True)
    test.hear(Frame.STATUS, again.stream, status=StatusCode.UNAVAILABLE)
    assert not again.ended and [frame.kind for frame in test.pass_time(0.05)] == [Frame.CALL]


def test_a_lost_connection_is_one_failure_however_many_calls_it_ends():
    test = Wire()
    calls = [test.start(idempotent=True) for _ in range(20)]
    test.connect()
    test.now += 1
    test.lose()
    assert not any(call.ended for call in calls)
    test.pass_time(0.05)
    assert len(test.connect()) == len(calls)


def test_a_call_that_has_shown_a_reply_is_not_made_again():
    test = Wire()
    call = test.start(idempotent=True)
    test.connect()
    test.hear(Frame.MESSAGE, 1, has_message=True, payload=b"seen")
    test.lose()
    assert test.channel.take(call) == b"seen" and code(call) is StatusCode.UNAVAILABLE


def test_a_draining_server_finishes_what_it_took_and_the_rest_goes_elsewhere():
    test = Wire()
    taken, other = test.start(), test.start()
    test.connect()
    draining = test.connection
    test.now += 1
    test.hear(Frame.GOAWAY, last_stream=1, status=StatusCode.UNAVAILABLE)
    assert not draining.is_closed
    assert test.connect()[0].kind == Frame.CALL
    test.channel.receive(draining, wire.length_prefixed(Frame(kind=Frame.STATUS, stream=1)), test.now)
    assert code(taken) is None and draining.is_closed
    test.hear(Frame.STATUS, 1)
    assert code(other) is None


def test_a_server_that_blames_the_client_is_not_asked_the_same_again():
    test = Wire()
    call = test.start(idempotent=True)
    test.connect()
    test.hear(Frame.GOAWAY, last_stream=0, status=StatusCode.INVALID_ARGUMENT, detail="too many pings")
    assert code(call) is StatusCode.INTERNAL and "too many pings" in call.error.detail


def test_a_server_that_does_not_let_the_client_in_says_so_to_its_calls():
    for greets in (True, False):
        test = Wire()
        call = test.start(idempotent=True)
        if greets:
            test.connect()
        else:
            (test.connection,) = test.channel.take_new()
            test.said()
        test.hear(Frame.GOAWAY, status=StatusCode.PERMISSION_DENIED, detail="uid:65534 may not connect")
        assert code(call) is StatusCode.PERMISSION_DENIED and "uid:65534 may not connect" in call.error.detail
