"""Another language's client, with nothing but a protobuf library, uses the services of a running system."""

import re
import subprocess
import sys

from system import ROOT


def test_the_python_example_enqueues_a_song_and_watches_it_finish(system):
    system.login()
    song = system.songs(system.playlists()[-1])[-1]["id"]
    sockets = system.ready["sockets"]
    done = subprocess.run(
        [sys.executable, ROOT / "clients/python/examples/enqueue_and_watch.py", "--force",
         f"unix:{sockets['queue']}", f"unix:{sockets['progress']}", system.ready["user"], song],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100% completed" in done.stdout
    assert "audio 1" in done.stdout and "loudness.integrated_lufs" in done.stdout


def test_the_python_script_of_the_readme_enqueues_and_watches(system):
    system.login()
    song = system.songs(system.playlists()[-1])[-1]["id"]
    script = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)
    assert len(script.splitlines()) <= 10
    for here, there in {"DATA/": f"{system.data}/", '"demo"': f'"{system.ready["user"]}"', '"SONG"': f'"{song}"'}.items():
        assert here in script
        script = script.replace(here, there)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("100%"), done.stdout
