"""Any process killed in the middle of a job: nothing is lost, nothing is recorded twice, nothing is left behind."""

import contextlib
import os
import signal
import time

import pytest

from log import EventLog
from system import wait_until

# From a process's return until the system works again.
RECOVERY_SECONDS = 5


def gone(pid: int) -> bool:
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    return True


def every_song_once(system, log):
    analysed = [e.song_id for e in log.of("SONG_ANALYSED")]
    everything = {s["id"] for p in system.playlists() for s in system.songs(p)}
    assert sorted(analysed) == sorted(everything)


@pytest.mark.parametrize("name", ["worker", "queue", "progress", "gateway", "redis"])
def test_a_killed_process_costs_no_song(system, name):
    log = EventLog(system)
    system.login()
    background = log.wait(lambda e: e.kind == "SONG_ANALYSED").job.id
    progress = system.get(f"/api/progress/{background}")["progress"]["progress"]

    system.kill(name)
    returned = time.monotonic()

    def works_again():
        with contextlib.suppress(OSError, ValueError):
            seen = system.http.get(system.url(f"/api/progress/{background}"), timeout=5)
            queue = system.http.get(system.url("/api/queue/health"), timeout=5)
            return seen.ok and queue.ok and seen.json()["progress"]["progress"] >= progress

    wait_until(works_again, f"the system works again after kill -9 of {name}", RECOVERY_SECONDS)
    assert time.monotonic() - returned < RECOVERY_SECONDS
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == background)
    every_song_once(system, log)


def test_no_child_running_or_frozen_outlives_a_killed_worker(system):
    log = EventLog(system)
    system.login()
    background = log.wait(lambda e: e.kind == "STARTED").job.id
    song = next(s for s in reversed(system.songs(system.playlists()[0])))
    clicked = system.post(f"/api/songs/{song['id']}/analyze")["job_id"]
    log.wait(lambda e: e.kind == "INTERRUPTED" and e.job.id == background)
    log.wait(lambda e: e.kind == "STARTED" and e.job.id == clicked)
    # A stop shows only when the process would be given the processor next.
    wait_until(lambda: any(state(pid) == "T" for pid in system.analyzers()), "one is frozen")
    children = system.analyzers()
    assert any(state(pid) != "T" for pid in children), "one runs"

    system.kill("worker")
    wait_until(lambda: all(gone(pid) for pid in children), "all children of the killed worker are gone", RECOVERY_SECONDS)
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == clicked)
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == background)
    every_song_once(system, log)


def state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def test_ctrl_c_stops_everything_and_the_next_run_goes_on(system, start):
    log = EventLog(system)
    system.login()
    background = log.wait(lambda e: e.kind == "SONG_ANALYSED").job.id
    pids = list(system.ready["pids"].values()) + system.analyzers()
    analysed = {e.song_id for e in log.of("SONG_ANALYSED")}

    assert system.stop(signal.SIGINT) < 10
    assert all(gone(pid) for pid in pids)
    assert not (system.data / "run/ready.json").exists()

    again = start(system.music, system.data)
    log = EventLog(again)
    again.http.cookies.update(system.http.cookies)  # a session outlives a restart
    done = log.wait(lambda e: e.job.id == background and e.kind in ("COMPLETED", "SNAPSHOT"))
    if done.kind == "SNAPSHOT":
        log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == background)
    later = [e.song_id for e in log.of("SONG_ANALYSED")]
    assert len(later) == len(set(later)) and not analysed & set(later)
    assert all(s["analysis_status"] == "completed" for p in again.playlists() for s in again.songs(p))


def test_a_second_run_on_the_same_data_is_refused(system):
    import subprocess

    from system import ROOT, free_port

    second = subprocess.run(
        [ROOT / "deploy/run", "--no-build", "--music", system.music, "--data", system.data, "--port", str(free_port())],
        capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert "another deploy/run uses" in second.stderr
    assert os.path.exists(system.data / "run/ready.json")
