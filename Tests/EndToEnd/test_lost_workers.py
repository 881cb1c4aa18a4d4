"""A worker that dies or stands still at any moment: every song is analysed once, and nothing that it started goes on."""

import contextlib
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest

from analysis.v1.queue_pb2 import EnqueueRequest, QueueStatusRequest
from analysisqueue import Client, Queue

from log import EventLog
from system import BIN, wait_until
from test_crashes import gone

IS_LONG = bool(os.environ.get("ANALYSIS_TEST_LONG"))
KILLS = 100 if IS_LONG else 5

# Every song waits until there is a gate for the worker that started the analyzer.
GATED_ANALYZER = """
import os, pathlib, time
from analysisqueue.analyzer import serve

GATES = pathlib.Path(os.environ["GATES"])

def analyze(song, path, progress):
    progress(0.5, "waiting")
    (GATES / f"begun-{os.getppid()}").write_text(str(os.getpid()))
    while not (GATES / f"open-{os.getppid()}").exists():
        time.sleep(0.01)
    return {"pid": os.getpid()}

serve("gated", "1", analyze)
"""


@contextlib.contextmanager
def queue_of(system):
    with Client(f"unix:{system.ready['sockets']['queue']}") as client:
        yield Queue(client)


def enqueue(system, type: str, target: str) -> str:
    with queue_of(system) as queue:
        wish = EnqueueRequest(user_id=system.ready["user"], type=type, target_id=target, force=True)
        return queue.Enqueue(wish, timeout=10, wait_for_ready=True).job.id


@pytest.mark.timeout(60 + 30 * KILLS)
def test_a_worker_killed_at_random_moments_costs_no_song(start, songs, tmp_path):
    seed = int(os.environ.get("ANALYSIS_TEST_SEED") or random.randrange(1 << 32))
    print(f"ANALYSIS_TEST_SEED={seed}")
    chance = random.Random(seed)
    for number, song in enumerate(songs[:3]):
        folder = tmp_path / "music" / ("Clicked" if number == 2 else "Displaced")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(song, folder)
    system = start(tmp_path / "music")
    log = EventLog(system)
    system.login()
    log.wait(lambda e: e.kind == "COMPLETED")
    lists = {playlist["name"]: playlist for playlist in system.playlists()}
    displaced = {song["id"] for song in system.songs(lists["Displaced"])}
    [clicked] = [song["id"] for song in system.songs(lists["Clicked"])]

    for _ in range(KILLS):
        expected = {enqueue(system, "JOB_TYPE_PLAYLIST", lists["Displaced"]["id"]): displaced}
        if chance.random() < 0.5:
            listed = next(iter(expected))
            log.wait(lambda e: e.kind == "STARTED" and e.job.id == listed)
            expected[enqueue(system, "JOB_TYPE_SONG", clicked)] = {clicked}
        # Nothing to wait for: any moment is meant, also that in which nothing runs any more.
        time.sleep(chance.uniform(0, 1))
        children = system.analyzers()
        system.kill("worker")
        wait_until(lambda: all(gone(pid) for pid in children), "the killed worker's children are gone", 15)
        for job, wanted in expected.items():
            done = log.wait(lambda e: e.kind in ("COMPLETED", "FAILED", "CANCELLED") and e.job.id == job)
            assert done.kind == "COMPLETED" and done.job.failed == 0
            analysed = [e.song_id for e in log.of("SONG_ANALYSED") if e.job.id == job]
            assert sorted(analysed) == sorted(wanted)


@pytest.mark.parametrize("answers", [False, True], ids=["whose child is at work", "whose child has ended its song"])
def test_a_worker_that_stood_still_beyond_its_lease_writes_nothing(start, songs, tmp_path, answers):
    gates, program = tmp_path / "gates", tmp_path / "gated.py"
    gates.mkdir()
    program.write_text(GATED_ANALYZER)
    music = tmp_path / "music/List"
    music.mkdir(parents=True)
    shutil.copy(songs[-1], music)
    command = f"gated={shlex.quote(sys.executable)} {shlex.quote(str(program))}"
    system = start(music.parent, ANALYSIS_ANALYZER=command, ANALYSIS_ANALYZERS="gated@1", GATES=str(gates))
    log = EventLog(system)
    system.login()
    job = log.wait(lambda e: e.kind == "STARTED").job.id
    stopped = system.ready["pids"]["worker"]
    begun = gates / f"begun-{stopped}"
    wait_until(lambda: begun.exists() and begun.read_text(), "the song has begun")
    child = int(begun.read_text())

    os.kill(stopped, signal.SIGSTOP)
    try:
        with another_worker(system) as other:
            log.wait(lambda e: e.kind == "WORKER_LOST" and e.job.id == job)
            if answers:
                (gates / f"open-{stopped}").touch()
            else:
                wait_until(lambda: gone(child), "the child of the worker that stands still has left", 30)
            wait_until((gates / f"begun-{other.pid}").exists, "the song has begun again")
            os.kill(stopped, signal.SIGCONT)
            wait_until(lambda: len(connected(system)) == 2, "both workers are connected")
            pid = int((gates / f"begun-{other.pid}").read_text())
            wait_until(lambda: any(p.pid == pid and p.fraction == 0.5 for p in processes(system)), "the queue knows it")
            shown = subprocess.run(
                [BIN / "analysisctl", "workers", "--queue", f"unix:{system.ready['sockets']['queue']}"],
                capture_output=True, text=True, timeout=30, check=True).stdout
            assert any(f"pid {pid} " in line and "at 50 %" in line for line in shown.splitlines()), shown
            (gates / f"open-{other.pid}").touch()
            log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == job)
            (gates / f"open-{stopped}").touch()
            stop(other)
            # The worker that stood still works on as any other.
            [song] = system.songs(system.playlists()[0])
            again = enqueue(system, "JOB_TYPE_SONG", song["id"])
            log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == again)
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert [e.job.id for e in log.of("SONG_ANALYSED")] == [job, again]


def connected(system) -> list:
    with queue_of(system) as queue:
        return list(queue.GetStatus(QueueStatusRequest(), timeout=10).workers)


def processes(system) -> list:
    return [process for worker in connected(system) for process in worker.diagnostics.processes]


@contextlib.contextmanager
def another_worker(system):
    """A second worker of the system, which gets the lane when the first has lost it."""
    sockets = system.ready["sockets"]
    worker = subprocess.Popen(
        [BIN / "analysis-worker", "--queue", f"unix:{sockets['queue']}",
         "--progress", f"unix:{sockets['progress']}", "--music", system.music],
        env=system.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield worker
    finally:
        stop(worker)


def stop(worker: subprocess.Popen):
    worker.terminate()
    worker.wait(timeout=15)
