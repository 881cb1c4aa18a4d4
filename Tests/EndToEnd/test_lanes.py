"""Lanes that are added, and a user who is moved to one, while a worker analyses and the queue service is killed."""

import random
import subprocess
import time

import pytest

from log import EventLog
from system import BIN, wait_until


def control(system, *words: str, check: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run(
        [BIN / "analysisctl", *words, "--queue", f"unix:{system.ready['sockets']['queue']}"],
        capture_output=True, text=True, timeout=120, check=check)


@pytest.mark.timeout(600)
def test_a_user_is_moved_while_songs_are_analysed_and_the_queue_is_killed(system):
    user = system.ready["user"]
    log = EventLog(system)
    system.login()
    job = log.wait(lambda e: e.kind == "STARTED").job.id
    log.wait(lambda e: e.kind == "SONG_ANALYSED")
    lanes = control(system, "lanes", "add").stdout.splitlines()
    assert len(lanes) == 2
    wait_until(lambda: "no worker" not in control(system, "lanes").stdout, "the worker has both lanes", 30)

    move = [BIN / "analysisctl", "users", "move", user, "1", "--queue"]
    broken = subprocess.Popen(move + [f"unix:{system.ready['sockets']['queue']}"])
    # Any moment is meant.
    time.sleep(random.uniform(0, 0.3))
    system.kill("queue")
    broken.wait(timeout=120)
    control(system, "users", "move", user, "1")
    assert control(system, "users", "move", user, "1").stdout.strip() == f"{user} is in lane 1 already"

    done = log.wait(lambda e: e.kind in ("COMPLETED", "FAILED", "CANCELLED") and e.job.id == job)
    assert done.kind == "COMPLETED" and done.job.lane == "1" and done.job.failed == 0
    analysed = [e.song_id for e in log.of("SONG_ANALYSED") if e.job.id == job]
    assert len(set(analysed)) == len(analysed) == done.job.total == 12
    assert {song["id"] for playlist in system.playlists() for song in system.songs(playlist)} == set(analysed)
    assert "no damage" in control(system, "verify").stdout
