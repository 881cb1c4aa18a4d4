"""What is left to do in the earlier Python application's queue is brought over, once, and nothing is lost on the way."""

import json
import subprocess

import pytest

from guarded_redis import BIN


class Earlier:
    """The earlier application's Redis, as another database of the one that runs here."""

    def __init__(self, system):
        self.system, self.url = system, f"unix:{system.data}/run/redis.sock?db=1"

    def redis(self, *command: str) -> str:
        return subprocess.run(
            ["redis-cli", "-s", f"{self.system.data}/run/redis.sock", "-n", "1", *command],
            capture_output=True, text=True, check=True).stdout.strip()

    def add(self, job: dict, queued: bool = True):
        self.redis("HSET", "analysis_jobs", job["job_id"], json.dumps(job))
        if queued:
            self.redis("ZADD", "analysis_queue", str(job["priority"] * 1_000_000 + 1_700_000_000), job["job_id"])

    def contents(self) -> str:
        return self.redis("HGETALL", "analysis_jobs") + self.redis("ZRANGE", "analysis_queue", "0", "-1", "WITHSCORES")


def job(id_: str, kind: str, target, status: str = "pending", priority: int = 2, created: str = "2024-05-01T12:00:00", **fields):
    return {
        "job_id": id_, "job_type": f"{kind}_analysis", "priority": priority, "user_id": "demo", "target_id": target,
        "created_at": created, "started_at": None, "completed_at": None, "status": status, "metadata": {},
        "error_message": None, **fields}


@pytest.fixture
def paused(system):
    """A system in which nothing is claimed, so that the order of jobs can be seen."""
    ctl(system, "queue", "pause", "--reason", "a migration")
    ctl(system, "jobs", "clear")
    return system


def ctl(system, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess:
    return subprocess.run(
        [BIN / "analysisctl", *arguments, "--queue", f"unix:{system.data}/run/queue.sock"], input=stdin,
        capture_output=True, text=True, timeout=60)


def waiting(system) -> list[str]:
    """What each job that waits is about, in order; nothing of background work."""
    return [line.split("\t")[6] for line in ctl(system, "jobs", "list").stdout.splitlines()]


def test_jobs_of_the_earlier_redis_are_asked_for_in_their_order_and_only_once(paused):
    paused.login()
    lists = paused.playlists()
    song = paused.songs(lists[0])[0]["id"]
    later = paused.songs(lists[0])[1]["id"]
    earlier = Earlier(paused)
    earlier.add(job("background", "background", "demo", "interrupted", priority=3))
    earlier.add(job("list", "playlist", lists[1]["id"], created="2024-05-01T12:00:00.5+02:00"))
    earlier.add(job("click later", "song", later, priority=1, created="2024-05-01T12:00:01Z"))
    earlier.add(job("click", "song", song, "in_progress", priority=1, created="2024-05-01T13:00:00Z"), queued=False)
    earlier.redis("SET", "analysis_active", "click")
    earlier.redis("SET", "progress:click", '{"progress": 0.5}')
    earlier.add(job("done", "song", song, "completed", priority=1), queued=False)
    earlier.add(job("failed", "song", song, "failed", priority=1), queued=False)
    # What cannot be brought over.
    earlier.redis("HSET", "analysis_jobs", "broken", '{"job_id": "broken", "job_')
    earlier.add(job("strange", "video", song))
    earlier.add(job("lost song", "song", "no-such-song"))
    earlier.add(job("lost user", "song", song, user_id=4711))
    earlier.redis("ZADD", "analysis_queue", "1700000001", "unknown")
    before, waits = earlier.contents(), waiting(paused)

    dry = ctl(paused, "migrate", "--redis", earlier.url, "--dry-run")
    assert dry.returncode == 1 and "4 would be asked for" in dry.stdout, dry.stdout + dry.stderr
    assert waiting(paused) == waits and song not in waits

    done = ctl(paused, "migrate", "--redis", earlier.url)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == "4 asked for, 2 ended already, 5 passed over"
    for id_ in ["broken", "strange", "lost song", "lost user", "unknown"]:
        assert f"{id_}: passed over: " in done.stdout, done.stdout
    order = [line.split(":")[0] for line in done.stdout.splitlines() if "asked for: job" in line]
    assert order == ["click", "click later", "list", "background"]
    assert waiting(paused) == [song, later, lists[1]["id"], ""]
    assert earlier.contents() == before

    again = ctl(paused, "migrate", "--redis", earlier.url)
    assert again.stdout == done.stdout
    assert waiting(paused) == [song, later, lists[1]["id"], ""]

    # One that was asked for as something else does not stop the rest.
    earlier.add(job("click later", "song", later, priority=3, created="2024-05-01T12:00:01Z"))
    changed = ctl(paused, "migrate", "--redis", earlier.url)
    assert "click later: passed over: idempotency_key" in changed.stdout, changed.stdout + changed.stderr
    assert changed.stdout.splitlines()[-1] == "3 asked for, 2 ended already, 6 passed over"


def test_jobs_of_a_file_are_asked_for_too(paused):
    paused.login()
    songs = paused.songs(paused.playlists()[0])
    lines = [
        json.dumps(job("1", "song", songs[0]["id"], priority=1)), "", "no JSON at all",
        json.dumps(job("2", "song", songs[1]["id"], created="yesterday")), json.dumps({"job_id": 3, "status": "pending"})]
    done = ctl(paused, "migrate", "--file", "-", stdin="\n".join(lines))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "2 asked for, 2 passed over", done.stdout + done.stderr
    assert "line 3: passed over: it is not the JSON of a job" in done.stdout
    assert "3: passed over: it is not the JSON of a job: job_type is missing" in done.stdout
