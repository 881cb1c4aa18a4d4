"""The clients against the real services on a throwaway Redis, over each kind of address."""

import contextlib
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from analysis.v1 import catalog_pb2, health_pb2, progress_pb2, queue_pb2, reflection_pb2, workers_pb2
from analysisqueue import TLS, Catalog, Health, Progress, Queue, Reflection, RPCError, StatusCode, Workers
from peer import SyncShell

ROOT = pathlib.Path(__file__).parents[3]
# The ones that deploy/test builds, or else those of a developer's `swift build`.
BUILD = next((path for kind in ("release", "debug") if (path := ROOT / ".build" / kind / "queue-service").exists()), None)

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(BUILD is None or shutil.which("redis-server") is None, reason="needs redis-server and a build"),
]
TIMEOUT = 20


class Process:
    """A process that serves a Unix socket."""

    def __init__(self, socket: pathlib.Path, *command):
        self.socket, self.command = socket, command
        self.start()

    def start(self):
        self.socket.unlink(missing_ok=True)
        log = self.socket.with_suffix(".log")
        with open(log, "a") as output:
            self.process = subprocess.Popen(self.command, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while not self.socket.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        self.process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Services:
    def __init__(self, folder: pathlib.Path):
        make_certificates = [ROOT / "deploy/certificates", folder, "localhost,127.0.0.1", "script"]
        subprocess.run(make_certificates, check=True, capture_output=True)
        redis, queue, progress = (folder / name for name in ("redis", "queue", "progress"))
        ports = free_port(), free_port()
        self.addresses = {
            "unix": f"unix:{queue}", "tcp": f"tcp://127.0.0.1:{ports[0]}", "tls": f"tls://localhost:{ports[1]}"}
        self.progress_address = f"unix:{progress}"
        self.tls = TLS(folder / "authority.crt", certificate=folder / "script.crt", key=folder / "script.key")
        self.redis = Process(
            redis, "redis-server", "--port", "0", "--unixsocket", redis, "--save", "", "--dir", folder)
        self.queue = Process(
            queue, BUILD, "--redis", f"unix:{redis}", "--listen", f"unix:{queue}", "--listen", self.addresses["tcp"],
            "--listen", f"tls://127.0.0.1:{ports[1]}", "--tls-certificate", folder / "localhost.crt", "--tls-key",
            folder / "localhost.key", "--tls-authority", folder / "authority.crt", "--allow", "anonymous=*", "--act-for",
            "anonymous=*", "--allow", "script=*", "--act-for", "script=*")
        self.progress = Process(
            progress, BUILD.with_name("progress-service"), "--redis", f"unix:{redis}", "--queue", f"unix:{queue}",
            "--listen", f"unix:{progress}")

    def stop(self):
        for process in (self.progress, self.queue, self.redis):
            process.stop()


@pytest.fixture(scope="module")
def services():
    # A short path: Unix sockets have no room for a long one.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        services = Services(pathlib.Path(folder))
        with contextlib.closing(SyncShell(services.addresses["unix"])) as shell:
            ada = catalog_pb2.CreateUserRequest(id="ada", password="correct horse battery", role="ROLE_LISTENER")
            assert Catalog(shell.client).CreateUser(ada, timeout=TIMEOUT).role == catalog_pb2.ROLE_LISTENER
        yield services
        services.stop()


@pytest.fixture(params=["unix", "tcp", "tls"])
def queue(request, services, shell):
    return shell(services.addresses[request.param], tls=services.tls if request.param == "tls" else None)


def test_a_user_is_found(queue):
    user = queue.background(Catalog.GetUser, catalog_pb2.UserRequest(user_id="ada"), timeout=TIMEOUT)
    assert user.result(TIMEOUT).id == "ada"


def test_errors_carry_their_status(queue):
    missing = queue_pb2.JobRequest(user_id="ada", job_id="0-4711")
    error = queue.background(Queue.GetJob, missing, timeout=TIMEOUT).exception(TIMEOUT)
    assert isinstance(error, RPCError) and error.code == StatusCode.NOT_FOUND and "0-4711" in error.detail


def test_the_event_log_streams_beside_other_calls_until_it_is_out_of_time(queue):
    events = queue.start(Queue.Follow, queue_pb2.FollowRequest(), timeout=2)
    assert queue.next(events).lane == "0"
    status = queue.background(Queue.GetStatus, queue_pb2.QueueStatusRequest(user_id="ada"), timeout=TIMEOUT)
    assert status.result(TIMEOUT).in_progress == 0
    with pytest.raises(RPCError) as raised:
        queue.rest(events)
    assert raised.value.code == StatusCode.DEADLINE_EXCEEDED


def import_song(queue, location: str):
    """Plays a worker: all four kinds of calls bring a song into ada's library."""
    work = queue.start(Workers.Work, timeout=TIMEOUT)
    worker = workers_pb2.WorkerMessage(worker_id="python", sequence=1, analyzers=[{"name": "audio", "version": "1"}])
    assert queue.send(work, worker)
    importing = queue.start(Catalog.ImportFolder, catalog_pb2.ImportFolderRequest(user_id="ada"), timeout=TIMEOUT)
    while not (command := queue.next(work)).HasField("probe"):
        pass
    found = [
        workers_pb2.ProbeReport(probe_id=command.probe.probe_id, files=[{"location": location, "modified_at_ms": 1}]),
        workers_pb2.ProbeReport(probe_id=command.probe.probe_id),
    ]
    assert queue.background(Workers.ReportProbe, found, timeout=TIMEOUT).result(TIMEOUT) is not None
    assert queue.rest(importing)[-1].done
    queue.do(work.cancel)


def test_all_kinds_of_calls_bring_a_song_into_the_library(queue, request):
    name = request.node.callspec.id
    import_song(queue, f"{name}/song.ogg")
    playlists = queue.background(Catalog.ListPlaylists, catalog_pb2.UserRequest(user_id="ada"), timeout=TIMEOUT)
    assert name in [playlist.name for playlist in playlists.result(TIMEOUT).playlists]


def test_a_service_tells_its_health_and_describes_itself(queue):
    health = queue.background(Health.Check, health_pb2.HealthRequest(service="analysis.v1.Queue"), timeout=TIMEOUT)
    assert health.result(TIMEOUT).status == health_pb2.SERVING_STATUS_SERVING
    listed = queue.background(Reflection.ListServices, reflection_pb2.ListServicesRequest(), timeout=TIMEOUT)
    assert {"analysis.v1.Queue", "analysis.v1.Catalog", "analysis.v1.Workers"} <= set(listed.result(TIMEOUT).services)


def test_reports_stream_to_the_progress_service(services, shell):
    progress = shell(services.progress_address)
    report = progress_pb2.ProgressReport(lane="0", job_id="0-4711", fraction=2, song_id="s1")
    error = progress.background(Progress.Report, [report], timeout=TIMEOUT).exception(TIMEOUT)
    assert error.code == StatusCode.INVALID_ARGUMENT and "from 0 to 1" in error.detail
    reply = progress.background(Progress.Report, [], timeout=TIMEOUT)
    assert reply.result(TIMEOUT) == progress_pb2.ReportReply()


def test_a_token_that_is_none_is_refused(services, shell):
    client = shell(services.addresses["unix"], token="no token at all")
    error = client.background(Catalog.GetUser, catalog_pb2.UserRequest(user_id="ada"), timeout=TIMEOUT).exception(TIMEOUT)
    assert error.code == StatusCode.UNAUTHENTICATED, error


def test_calls_and_the_event_log_survive_a_killed_queue(services, shell):
    queue = shell(services.addresses["unix"])
    events = queue.client.follow(queue_pb2.FollowRequest(), timeout=TIMEOUT)
    while queue.next(events).kind != queue_pb2.EVENT_KIND_SNAPSHOT_END:
        pass
    services.queue.stop(signal.SIGKILL)
    user = queue.background(Catalog.GetUser, catalog_pb2.UserRequest(user_id="ada"), timeout=TIMEOUT, wait_for_ready=True)
    services.queue.start()
    assert user.result(TIMEOUT).id == "ada"
    import_song(queue, f"after/{type(queue).__name__}.ogg")
    assert queue.next(events).kind == queue_pb2.EVENT_KIND_LIBRARY_CHANGED
    queue.leave(events)
