"""Another language's client, with nothing but a protobuf library, uses the services of a running system."""

import re
import socket
import struct
import subprocess
import sys
import threading

import pytest

from analysis.v1.frame_pb2 import Frame
from analysis.v1.queue_pb2 import QueueStatus
from analysisqueue.wire import length_prefixed
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


@pytest.fixture(scope="module")
def c_client(tmp_path_factory):
    """Runs the C client."""
    folder = tmp_path_factory.mktemp("c")
    subprocess.run(["make", "-C", ROOT / "clients/c", f"OUT={folder}"], check=True, capture_output=True)
    return lambda *arguments: subprocess.run([folder / "queue", *arguments], capture_output=True, text=True, timeout=60)


def test_the_c_client_asks_for_a_song_and_how_the_queue_stands(system, c_client):
    system.login()
    song = system.songs(system.playlists()[-1])[-1]["id"]
    queue = system.ready["sockets"]["queue"]
    asked = c_client(queue, system.ready["user"], song)
    assert asked.returncode == 0 and re.fullmatch(r"job \S+\n|nothing to analyse\n", asked.stdout), asked
    status = c_client(queue)
    assert re.fullmatch(r"\d+ pending, \d+ in progress, \d+ completed, 0 failed\n", status.stdout), status
    refused = c_client(queue, system.ready["user"], "no-such-song")
    assert refused.returncode == 1 and "queue: status 5: " in refused.stderr, refused


HELLO = length_prefixed(Frame(kind=Frame.HELLO, version=1))
STATUS = length_prefixed(
    Frame(kind=Frame.STATUS, stream=1, has_message=True, payload=QueueStatus(pending=3).SerializeToString()))


@pytest.mark.parametrize(
    "said, code, answer",
    [
        (HELLO + STATUS, 0, "3 pending"),
        (b"", 2, "the connection was lost"),
        (STATUS, 2, "speaks no version 1"),
        (length_prefixed(Frame(kind=Frame.HELLO, version=2)), 2, "speaks no version 1"),
        (HELLO + STATUS[:-1], 2, "lost within a frame"),
        (HELLO + struct.pack(">I", 2) + b"\xff\xff", 2, "no frame"),
        (HELLO + struct.pack(">I", 0xFFFFFFFF), 2, "no frame"),
        (HELLO + struct.pack(">I", 0), 2, "no frame"),
        (HELLO + length_prefixed(Frame(kind=Frame.GOAWAY, status=7, detail="may not connect")), 2, "may not connect"),
        (HELLO + length_prefixed(Frame(kind=Frame.STATUS, has_message=True, payload=b"\xff")), 2, "no reply"),
    ],
    ids=["well", "nothing", "no HELLO", "version", "cut", "no protobuf", "too long", "empty", "GOAWAY", "no message"],
)
def test_the_c_client_reads_byte_by_byte_and_trusts_nothing(c_client, tmp_path, said, code, answer):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()

        def serve():
            connection = listener.accept()[0]
            with connection:
                for byte in said:
                    connection.send(bytes([byte]))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass

        threading.Thread(target=serve, daemon=True).start()
        done = c_client(tmp_path / "s")
    assert done.returncode == code and answer in done.stdout + done.stderr, done
