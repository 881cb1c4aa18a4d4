"""Background analysis from the outside: a user's quiet hours, and batches that are left when processes are killed."""

import datetime
import subprocess

from log import EventLog
from system import BIN


def ctl(system, *arguments: str) -> str:
    command = [BIN / "analysisctl", *arguments, "--queue", f"unix:{system.ready['sockets']['queue']}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


def everything(system) -> list[str]:
    return sorted({song["id"] for playlist in system.playlists() for song in system.songs(playlist)})


def test_quiet_hours_hold_back_what_nobody_asked_for(system):
    log = EventLog(system)
    now = datetime.datetime.now(datetime.timezone.utc)
    quiet = "-".join((now + datetime.timedelta(hours=hours)).strftime("%H:%M") for hours in (-1, 2))
    user = system.ready["user"]
    assert f"quiet hours      {quiet}" in ctl(system, "preferences", "set", user, "--time-zone", "GMT", "--quiet-hours", quiet)

    system.login()
    waiting = log.wait(lambda e: e.kind == "SCHEDULED").job
    assert waiting.waits_for == "quiet hours of the user"
    assert 3_600_000 < waiting.due_at_ms - now.timestamp() * 1000 <= 7_200_000
    shown = ctl(system, "jobs", "position", waiting.id)
    assert "held back   quiet hours of the user, until 20" in shown
    assert "last analysis    20" in ctl(system, "preferences", "show", user)

    song = everything(system)[0]
    clicked = system.post(f"/api/songs/{song}/analyze")["job_id"]
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == clicked)
    assert [e.song_id for e in log.of("SONG_ANALYSED")] == [song]

    assert "quiet hours      none" in ctl(system, "preferences", "set", user, "--quiet-hours", "")
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == waiting.id)
    assert sorted(e.song_id for e in log.of("SONG_ANALYSED")) == everything(system)


def test_what_is_left_of_a_backlog_is_gone_through_when_queue_and_worker_were_killed(start, library):
    system = start(library, ANALYSIS_BACKGROUND_BATCH="2")
    log = EventLog(system)
    system.login()
    songs = everything(system)
    for ended in (1, 3, 6):
        log.wait(lambda e: e.kind == "COMPLETED" and len(log.of("COMPLETED")) >= ended)
        system.kill("worker")
        system.kill("queue")
    log.wait(lambda e: e.kind == "COMPLETED" and len(log.of("COMPLETED")) == 6)
    analysed = [e.song_id for e in log.of("SONG_ANALYSED")]
    assert sorted(analysed) == songs
    assert [e.job.total for e in log.of("COMPLETED")] == [2] * 6
