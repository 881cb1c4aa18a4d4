"""What the gateway answers while a service, or Redis, is away: the last known progress to who reads it, and to everybody else when to
come back. And who sends a header too slowly is left."""

import concurrent.futures
import select
import shutil
import socket
import time

import pytest
import requests

from log import EventLog
from system import System, wait_until
from test_contract import PROBLEM, check

# What pollers ask, and of whom the answer needs more than what the progress-service has in mind.
OF_PROGRESS = [
    "/api/progress", "/api/progress/global", "/api/progress/playlist/{playlist}", "/api/progress/{job}",
    "/api/playlists/{playlist}/analysis-status"]
OF_BOTH = ["/api/analysis/status", "/api/queue/status", "/api/jobs/{job}/status"]
# Of a song that no job is about, the progress-service is not asked.
OF_SONGS = ["/api/songs/{song}/analysis-status", "/api/song_analysis_status/{song}"]
# What has no last known answer.
REFUSED = {
    "progress": [
        ("GET", "/api/progress/playlist/{other}"), ("GET", "/api/admin/eta-accuracy"), ("DELETE", "/api/progress/{job}"),
        ("GET", "/api/health/ready"), ("GET", "/api/health")],
    "queue": [
        ("GET", "/api/playlists"), ("GET", "/api/playlist/{playlist}/songs"), ("GET", "/api/song/{song}/analysis"),
        ("GET", "/api/search_songs?q=a"), ("GET", "/api/stats"), ("GET", "/api/sync-status"), ("GET", "/api/jobs"),
        ("GET", "/api/history"), ("GET", "/api/preferences"), ("GET", "/api/library/insights"), ("GET", "/api/queue/health"),
        ("GET", "/api/worker/health"), ("GET", "/api/health/ready"), ("GET", "/api/admin/queue"), ("GET", "/api/admin/workers"),
        ("GET", "/api/admin/users"), ("POST", "/api/songs/{song}/analyze"), ("POST", "/api/playlists/{playlist}/analyze"),
        ("POST", "/api/analysis/background"), ("POST", "/api/jobs/{job}/pause"), ("POST", "/api/login")],
}
REFUSED["redis"] = REFUSED["queue"]
# As fields of problems, and of the two answers of the contract that tell of health in a shape of their own.
SHAPES = {"/api/queue/health": {"status": str, "queue_health": dict}, "/api/health": {"status": str}, "/api/health/ready": {"status": str}}


@pytest.fixture(scope="module")
def system(songs, tmp_path_factory):
    """One system for all: three playlists of two long songs each."""
    music = tmp_path_factory.mktemp("away")
    for number, song in enumerate(songs[:6]):
        folder = music / f"List {number % 3 + 1}"
        folder.mkdir(exist_ok=True)
        shutil.copy(song, folder / f"{number:02} {song.stem}{song.suffix}")
    system = System(music, tmp_path_factory.mktemp("d"))
    try:
        system.start()
        system.login()
        yield system
    finally:
        system.stop()


class Asking:
    """Many requests at once, for each may wait until a service that stands still is given up."""

    def __init__(self, system: System, **names: str):
        self.system, self.names = system, names
        self.pool = concurrent.futures.ThreadPoolExecutor(64)

    def all(self, asks: list[tuple[str, str]]) -> dict[str, requests.Response]:
        def ask(method, path):
            body = {"user": "demo", "password": "wrong"} if path == "/api/login" else {}
            return requests.request(
                method, self.system.url(path.format(**self.names)), json=None if method == "GET" else body,
                cookies=self.system.http.cookies, timeout=60)

        futures = {path: self.pool.submit(ask, method, path) for method, path in asks}
        return {path: future.result() for path, future in futures.items()}

    def polled(self) -> dict[str, dict]:
        answers = self.all([("GET", path) for path in OF_PROGRESS + OF_BOTH + OF_SONGS])
        assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 200} == {}
        return {path: answer.json() for path, answer in answers.items()}


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.parametrize("name", ["progress", "queue", "redis"])
def test_while_something_is_away_reads_have_the_last_known_progress_and_all_else_a_time_to_come_back(system, name, how):
    log = EventLog(system)
    lists = {playlist["name"]: playlist["id"] for playlist in system.playlists()}
    song = system.songs({"id": lists["List 1"]})[0]["id"]
    job = system.post(f"/api/playlists/{lists['List 1']}/reanalyze-all")["job_id"]
    asking = Asking(system, playlist=lists["List 1"], other=lists["List 2"], job=job, song=song)
    progress = lambda answers: answers["/api/progress/{job}"]["progress"]  # noqa: E731
    wait_until(lambda: progress(asking.polled())["progress"] > 0.1, "the playlist is under way")
    before = asking.polled()
    assert not any(answer["stale"] for answer in before.values())

    with system.away(name) if how == "killed" else system.frozen(name):
        refused = asking.all(REFUSED[name])
        for path, answer in refused.items():
            assert answer.status_code == 503, f"{path}: {answer.status_code} {answer.text}"
            assert int(answer.headers["Retry-After"]) >= 1, path
            check(answer.json(), SHAPES.get(path, PROBLEM), path)
        begun = time.monotonic()
        known = asking.polled()
        # A request without a last known answer would wait ten seconds for a service that stands still.
        assert time.monotonic() - begun < 8
        needed = OF_BOTH + (OF_PROGRESS if name == "progress" else OF_SONGS)
        assert [path for path in needed if known[path]["stale"] is not True] == []
        assert all(set(known[path]) == set(before[path]) for path in needed)
        assert progress(known)["progress"] >= progress(before)["progress"]
        # The gateway itself is well.
        assert requests.get(system.url("/api/health/live"), timeout=10).status_code == 200

    wait_until(lambda: not any(answer["stale"] for answer in asking.polled().values()), "all answers are fresh again")
    assert progress(asking.polled())["progress"] >= progress(before)["progress"]
    wait_until(lambda: progress(asking.polled())["is_complete"], "the playlist is analysed")
    assert progress(asking.polled())["status"] == "completed"
    log.wait(lambda event: event.kind in ("COMPLETED", "SNAPSHOT") and event.job.id == job)


def test_who_sends_a_header_byte_by_byte_is_left(start, library):
    system = start(library, ANALYSIS_HEADER_TIMEOUT="1")
    system.login()
    with socket.create_connection(("127.0.0.1", system.port)) as slow, socket.create_connection(("127.0.0.1", system.port)) as idle:
        begun = time.monotonic()
        for byte in b"GET /api/health/live HTTP/1.1\r\nX-Slow: " + b"a" * 1000:
            slow.send(bytes([byte]))
            # Readable: the gateway has closed it.
            if select.select([slow], [], [], 0.05)[0]:
                break
        took = time.monotonic() - begun
        assert slow.recv(1) == b"" and 0.9 < took < 20
        # Others are served, and who has not begun may still begin.
        assert system.get("/api/playlists")["playlists"]
        idle.sendall(b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200")
