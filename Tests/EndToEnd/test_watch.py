"""`analysisctl jobs watch` shows a job until it has ended, and its exit code says how."""

import re
import subprocess

from system import BIN


def watch(system, job: str) -> subprocess.Popen:
    sockets = system.ready["sockets"]
    command = [BIN / "analysisctl", "jobs", "watch", job, "--progress", f"unix:{sockets['progress']}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_job_is_shown_until_it_has_ended_and_the_exit_code_says_how(system):
    system.login()
    lists = system.playlists()
    job = system.post(f"/api/playlists/{lists[0]['id']}/reanalyze-all")["job_id"]
    watching = watch(system, job)
    lines = [line.rstrip() for line in watching.stdout]
    assert watching.wait(timeout=30) == 0
    total = len(system.songs(lists[0]))
    assert lines[-1] == f"{job} completed 100% {total}/{total}"
    shown = [re.match(rf"{job} [a-z_]+ (\d+)% (\d+)/{total}\b", line) for line in lines]
    assert all(shown), lines
    percents = [int(match[1]) for match in shown]
    assert percents == sorted(percents) and 0 < percents[len(percents) // 2] < 100

    other = system.post(f"/api/playlists/{lists[1]['id']}/reanalyze-all")["job_id"]
    cancelled = watch(system, other)
    assert cancelled.stdout.readline().startswith(f"{other} ")
    subprocess.run(
        [BIN / "analysisctl", "jobs", "cancel", other, "--queue",
         f"unix:{system.ready['sockets']['queue']}"], check=True, capture_output=True)
    rest = cancelled.stdout.read()
    assert cancelled.wait(timeout=30) == 2 and f"{other} cancelled" in rest

    next(system.music.rglob("*.o*")).unlink()
    songs = [song for playlist in lists for song in system.songs(playlist)]
    for song in songs:
        location = system.get(f"/api/song/{song['id']}/analysis")["song"]["location"]
        if not (system.music / location).exists():
            break
    failed = watch(system, system.post(f"/api/songs/{song['id']}/analyze", {"force": True})["job_id"])
    assert "the file does not exist" in failed.stdout.read()
    assert failed.wait(timeout=30) == 1

    unknown = watch(system, "0-999999")
    assert unknown.wait(timeout=30) not in (0, 1, 2)
