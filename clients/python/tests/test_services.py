"""The client against the real queue service, on a throwaway Redis."""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest

from analysis.v1 import catalog_pb2, queue_pb2
from analysisqueue import Client, RPCError, StatusCode

BUILD = pathlib.Path(__file__).parents[3] / ".build"
# The one that deploy/test builds, or else that of a developer's `swift build`.
QUEUE_SERVICE = next((path for kind in ("release", "debug") if (path := BUILD / kind / "queue-service").exists()), None)

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        QUEUE_SERVICE is None or shutil.which("redis-server") is None,
        reason="needs redis-server and a built queue-service"),
]


@contextlib.contextmanager
def running(*command, socket: pathlib.Path):
    """A process that serves a socket, from when it does until the block ends."""
    log = socket.with_suffix(".log")
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 30
        while not socket.exists():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def queue_address():
    # A short path: Unix sockets have no room for a long one.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        redis, queue = pathlib.Path(folder, "redis"), pathlib.Path(folder, "queue")
        redis_command = ["redis-server", "--port", "0", "--unixsocket", redis, "--save", "", "--dir", folder]
        queue_command = [QUEUE_SERVICE, "--listen", f"unix:{queue}", "--redis", f"unix:{redis}"]
        with running(*redis_command, socket=redis), running(*queue_command, socket=queue):
            yield f"unix:{queue}"


@pytest.fixture
def client(queue_address):
    with Client(queue_address) as client:
        yield client


def test_a_user_is_made_and_found(client):
    catalog = client.service(catalog_pb2, "Catalog")
    request = catalog_pb2.CreateUserRequest(id="ada", password="correct horse battery", role="ROLE_LISTENER")
    made = catalog.CreateUser(request, timeout=20)
    assert (made.id, made.role) == ("ada", catalog_pb2.ROLE_LISTENER)
    assert catalog.GetUser(catalog_pb2.UserRequest(user_id="ada"), timeout=20).id == "ada"


def test_errors_carry_their_status(client):
    queue = client.service(queue_pb2, "Queue")
    with pytest.raises(RPCError) as raised:
        queue.GetJob(queue_pb2.JobRequest(job_id="0-4711"), timeout=20)
    assert raised.value.code == StatusCode.NOT_FOUND
    assert "0-4711" in raised.value.detail


def test_the_event_log_streams_until_it_is_dropped_or_out_of_time(client):
    queue = client.service(queue_pb2, "Queue")
    with queue.Follow(queue_pb2.FollowRequest(), timeout=20) as events:
        assert next(events).kind == queue_pb2.EVENT_KIND_SNAPSHOT_END
    with pytest.raises(RPCError) as raised:
        list(queue.Follow(queue_pb2.FollowRequest(), timeout=0.2))
    assert raised.value.code == StatusCode.DEADLINE_EXCEEDED


def test_one_connection_carries_a_stream_and_other_calls(client):
    queue = client.service(queue_pb2, "Queue")
    with queue.Follow(queue_pb2.FollowRequest(), timeout=20) as events:
        status = queue.GetStatus(queue_pb2.QueueStatusRequest(), timeout=20)
        assert (status.pending, status.in_progress) == (0, 0)
        assert next(events).lane == "0"
