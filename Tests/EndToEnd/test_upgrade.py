"""A rolling upgrade from the programs of an earlier revision, and back: `deploy/verify-upgrade` builds those and runs this."""

import contextlib
import itertools
import os
import pathlib
import signal
import subprocess

import pytest

from log import EventLog
from system import BIN, wait_until
from test_crashes import every_song_once
from test_queue_faults import Site

PREVIOUS = pathlib.Path(os.environ.get("ANALYSIS_PREVIOUS_BIN") or "/nonexistent")
PROGRAMS = {
    "queue": ["queue-service"], "progress": ["progress-service"], "worker": ["analysis-worker", "audio-analyzer"],
    "gateway": ["gateway"],
}

needs_previous = pytest.mark.skipif(not PREVIOUS.is_dir(), reason="deploy/verify-upgrade says where the earlier programs are")


# Programs of an earlier version get no flag that they do not know, as an earlier deploy/run would give none.
EARLIER = """#!/usr/bin/env python3
import json, os, subprocess, sys

program = {program!r}
help_ = json.loads(subprocess.run([program, "--experimental-dump-help"], capture_output=True, check=True).stdout)
known = {{f"--{{name['name']}}" for argument in help_["command"]["arguments"] for name in argument.get("names") or []}}
arguments, passes = [], True
for word in sys.argv[1:]:
    is_flag = word.startswith("--")
    passes = word.split("=")[0] in known if is_flag else passes
    if passes:
        arguments.append(word)
os.execv(program, [program, *arguments])
"""


class Programs:
    """A folder of programs of two versions, from which deploy/run starts them."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir()
        for program in ["analysisctl", *itertools.chain(*PROGRAMS.values())]:
            self.use(program, PREVIOUS)

    def use(self, program: str, version: pathlib.Path):
        new = self.folder / f"{program}.new"
        if version == PREVIOUS and program not in ("analysisctl", "audio-analyzer"):
            new.write_text(EARLIER.format(program=str(version.resolve() / program)))
            new.chmod(0o755)
        else:
            new.symlink_to(version / program)
        os.replace(new, self.folder / program)


def replace(system, programs: Programs, name: str, version: pathlib.Path):
    for program in PROGRAMS[name]:
        programs.use(program, version)
    system.kill(name, signal.SIGTERM)
    pid = system.ready["pids"][name]
    wait_until(lambda: os.readlink(f"/proc/{pid}/exe").startswith(str(version.resolve())), f"{name} runs as of {version}", 30)


@needs_previous
@pytest.mark.timeout(600)
@pytest.mark.parametrize("order", [["queue", "progress", "worker", "gateway"], ["gateway", "worker", "progress", "queue"]],
                         ids=["queue first", "gateway first"])
def test_each_process_is_replaced_while_songs_are_analysed_and_put_back(start, library, tmp_path, order):
    programs = Programs(tmp_path / "bin")
    system = start(library, ANALYSIS_BIN=str(programs.folder))
    log = EventLog(system)
    system.login()
    background = log.wait(lambda e: e.kind == "STARTED").job.id
    songs = [song["id"] for playlist in system.playlists() for song in system.songs(playlist)]

    def click(song: str) -> str | None:
        # While a process is replaced the gateway may answer 503.
        with contextlib.suppress(OSError):
            return system.post(f"/api/songs/{song}/analyze", {"force": True})["job_id"]

    steps = [(name, BIN) for name in order] + [(name, PREVIOUS) for name in reversed(order)]
    for (name, version), song in zip(steps, itertools.cycle(songs)):
        replace(system, programs, name, version)
        clicked = wait_until(lambda: click(song), f"a click is taken with {name} replaced")
        log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == clicked)
        # The progress service hears of the end from the log, a moment later.
        wait_until(lambda: has_ended(system, clicked), f"the page shows the end with {name} replaced")
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == background)
    verify(system)


def has_ended(system, job: str) -> bool:
    with contextlib.suppress(OSError):
        entry = system.get(f"/api/progress/{job}")["progress"]
        return entry["is_complete"] and entry["progress"] == 1
    return False


def verify(system):
    for version in (BIN, PREVIOUS):
        checked = subprocess.run(
            [version / "analysisctl", "verify", "--queue", f"unix:{system.ready['sockets']['queue']}"], capture_output=True,
            text=True, timeout=120)
        assert checked.returncode == 0, checked.stdout


@needs_previous
def test_replicas_of_both_versions_are_one_queue(start, library, tmp_path):
    system = start(library)
    log = EventLog(system)
    address = f"unix:{tmp_path}/q.sock"
    replica = subprocess.Popen(
        [PREVIOUS / "queue-service", "--listen", address, "--redis", f"unix:{system.ready['sockets']['redis']}",
         "--verifying-keys", system.data / "keys/verifying.json"], stderr=subprocess.DEVNULL)
    worker = subprocess.Popen(
        [PREVIOUS / "analysis-worker", "--queue", address, "--progress", f"unix:{system.ready['sockets']['progress']}",
         "--music", library], stderr=subprocess.DEVNULL)
    try:
        system.login()
        background = log.wait(lambda e: e.kind == "SONG_ANALYSED").job.id
        # Whichever worker had the lane, the other takes over.
        system.kill("worker")
        done = len(log.of("SONG_ANALYSED"))
        log.wait(lambda e: e.kind == "SONG_ANALYSED" and len(log.of("SONG_ANALYSED")) > done + 1)
        worker.terminate()
        log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == background)
        every_song_once(system, log)
        verify(system)
    finally:
        for process in (worker, replica):
            process.terminate()
            process.wait(timeout=20)


def test_a_process_that_is_too_old_for_what_is_stored_says_so_and_ends(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("s"))
    site.start_redis()
    try:
        site.ask("ZADD", "aq:schema", "1000", "version", "999", "needed")
        site.start_queue()
        assert site.queue.wait(timeout=30) != 0
        assert "schema 999" in (site.folder / "queue.log").read_text()
        # Nothing was written down by the one that left.
        assert site.ask("ZRANGE", "aq:schema", "0", "-1", "WITHSCORES").split() == ["needed", "999", "version", "1000"]
    finally:
        site.stop()
