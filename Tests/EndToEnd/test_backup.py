"""A backup of a running system, and what is put back of it."""

import json
import subprocess

from guarded_redis import BIN
from system import wait_until


def ctl(system, *arguments) -> subprocess.CompletedProcess:
    queue = f"unix:{system.data}/run/queue.sock"
    return subprocess.run([BIN / "analysisctl", *arguments, "--queue", queue], capture_output=True, text=True, timeout=120)


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
