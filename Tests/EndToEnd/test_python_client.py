"""A script in another language asks for an analysis and follows it, over the services' sockets alone."""

import pathlib
import subprocess
import sys

EXAMPLE = pathlib.Path(__file__).parents[2] / "clients/python/examples/enqueue_and_watch.py"


def test_a_python_script_enqueues_a_song_and_watches_it_finish(system):
    system.login()
    song = system.songs(system.playlists()[-1])[-1]
    sockets = system.ready["sockets"]
    script = subprocess.run(
        [sys.executable, EXAMPLE, "--force", f"unix:{sockets['queue']}", f"unix:{sockets['progress']}",
         system.ready["user"], song["id"]],
        capture_output=True, text=True, timeout=300)
    assert script.returncode == 0, script.stdout + script.stderr
    assert "100% completed" in script.stdout
    assert "tempo.bpm" in script.stdout and "loudness.integrated_lufs" in script.stdout
