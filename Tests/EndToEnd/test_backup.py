"""A backup of a running system, and what is put back of it."""

import json
import os
import subprocess

import pytest

from analysis.v1.catalog_pb2 import CreateUserRequest, UpsertLibraryRequest
from analysis.v1.queue_pb2 import EnqueueManyRequest
from analysisqueue import Catalog, Client, Queue
from guarded_redis import BIN
from system import wait_until


def ctl(system, *arguments) -> subprocess.CompletedProcess:
    queue = f"unix:{system.data}/run/queue.sock"
    return subprocess.run([BIN / "analysisctl", *arguments, "--queue", queue], capture_output=True, text=True, timeout=600)


def test_a_backup_taken_while_songs_are_analysed_is_put_back_elsewhere_and_goes_on(system, start, library, tmp_path):
    system.login()
    file = tmp_path / "backup"
    wait_until(lambda: any(playlist["analyzed_count"] for playlist in system.playlists()), "a song is analysed")
    done = ctl(system, "backup", file)
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o077 == 0
    assert "already" in ctl(system, "backup", file).stderr
    results = {song["id"]: song for playlist in system.playlists() for song in system.songs(playlist) if song["analysis_date"]}
    system.stop()

    other = start(library)
    refused = ctl(other, "restore", file)
    assert refused.returncode != 0 and "would be lost" in refused.stderr
    restored = ctl(other, "restore", file, "--replace")
    assert restored.returncode == 0, restored.stderr
    # The password is that of the system that was backed up.
    other.http.post(
        other.url("/api/login"), json={"user": "demo", "password": (system.data / "password").read_text()},
        timeout=30).raise_for_status()

    def songs() -> dict:
        return {song["id"]: song for playlist in other.playlists() for song in other.songs(playlist)}

    assert results and {id_: song["analysis_date"] for id_, song in songs().items() if id_ in results} == {
        id_: song["analysis_date"] for id_, song in results.items()}, json.dumps(results)
    wait_until(lambda: all(song["analysis_date"] for song in songs().values()), "the rest is analysed, too")
    checked = ctl(other, "verify")
    assert checked.returncode == 0 and "no damage" in checked.stdout, checked.stdout


@pytest.mark.skipif("ANALYSIS_TEST_LONG" not in os.environ, reason="takes minutes")
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_jobs_and_songs_are_backed_up_while_more_come_and_put_back(start, library, tmp_path):
    system, other, file = start(library), start(library), tmp_path / "backup"
    for paused in (system, other):
        assert ctl(paused, "queue", "pause", "--reason", "to count jobs").returncode == 0
    with Client(f"unix:{system.ready['sockets']['queue']}") as client:
        catalog, queue = Catalog(client), Queue(client)
        catalog.CreateUser(CreateUserRequest(id="many", password="correct horse battery"), timeout=10)
        ids = [f"song-{number}" for number in range(101_000)]
        for start_ in range(0, len(ids), 10_000):
            library_ = UpsertLibraryRequest(user_id="many")
            for id_ in ids[start_ : start_ + 10_000]:
                library_.songs.add(id=id_, title=f"Song {id_}", duration_ms=200_000)
            catalog.UpsertLibrary(library_, timeout=120)

        def enqueue(some: list[str]):
            wish = EnqueueManyRequest(user_id="many")
            for id_ in some:
                wish.targets.add(type="JOB_TYPE_SONG", target_id=id_)
            queue.EnqueueMany(wish, timeout=60)

        for start_ in range(0, 100_000, 1000):
            enqueue(ids[start_ : start_ + 1000])
        backup = subprocess.Popen(
            [BIN / "analysisctl", "backup", file, "--queue", f"unix:{system.data}/run/queue.sock"], stderr=subprocess.PIPE)
        for id_ in ids[100_000:]:
            if backup.poll() is None:
                enqueue([id_])
        assert backup.wait(timeout=120) == 0, backup.stderr.read()
    restored = ctl(other, "restore", file, "--replace")
    assert restored.returncode == 0, restored.stderr
    # Each job is a key at least.
    assert int(restored.stdout.split()[0]) > 100_000, restored.stdout
    checked = ctl(other, "verify")
    assert checked.returncode == 0 and "no damage" in checked.stdout, checked
