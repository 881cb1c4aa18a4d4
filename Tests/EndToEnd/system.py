"""Runs deploy/run and talks to what it starts, as the web app, the page and other services do."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The programs under test; deploy/run starts them from there, too.
BIN = pathlib.Path(os.environ.get("ANALYSIS_BIN") or ROOT / ".build/release")
TIMEOUT = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what: str, timeout: float = TIMEOUT):
    """The first true value of the condition, which has no event of its own to wait for (a process table, a file)."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {timeout} s: {what}")


def default_songs(folder: pathlib.Path) -> list[pathlib.Path]:
    """The songs of the Debian packages that deploy/run plays by default, unpacked into the folder, the longest first."""
    packages = ["warzone2100-music", "fretsonfire-songs-muldjord"]
    subprocess.run(["apt-get", "download", "-qq", *packages], cwd=folder, check=True, stdin=subprocess.DEVNULL)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    music = folder / "usr/share/games"
    files = [*music.rglob("*.opus"), *music.rglob("*.ogg")]
    return sorted(files, key=lambda file: (-file.stat().st_size, file.name))


def is_stopped(pid: int) -> bool:
    """Whether a process has stopped or ended: a signal reaches one thread, which stops the others when its turn comes."""
    states = []
    for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            states.append(stat.read_text().rpartition(")")[2].split()[0])
    return all(state in "TZX" for state in states)


class System:
    """One deploy/run and a signed-in session of its demo user."""

    def __init__(self, music: pathlib.Path, data: pathlib.Path, environment: dict[str, str] | None = None):
        self.music, self.data = music, data
        self.environment = {**os.environ, **(environment or {})}
        self.port = free_port()
        self.process = None
        self.http = requests.Session()

    # Life

    def start(self):
        """Runs deploy/run until it prints Ready."""
        self.process = subprocess.Popen(
            [ROOT / "deploy/run", "--no-build", "--music", self.music, "--data", self.data, "--port", str(self.port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, env=self.environment)
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line.startswith("Ready: "):
                break
        else:
            raise AssertionError("deploy/run ended before Ready:\n" + "".join(said) + self.logs())
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self, sig=signal.SIGTERM) -> float:
        """Stops deploy/run; the seconds that it took."""
        if self.process is None or self.process.poll() is not None:
            return 0
        begun = time.monotonic()
        self.process.send_signal(sig)
        self.process.wait(timeout=30)
        return time.monotonic() - begun

    @property
    def ready(self) -> dict:
        return json.loads((self.data / "run/ready.json").read_text())

    def kill(self, name: str, sig=signal.SIGKILL):
        """kill -9 of one process, or another signal that ends it; returns when another runs in its place."""
        with self.away(name, sig):
            pass

    @contextlib.contextmanager
    def away(self, name: str, sig=signal.SIGKILL):
        """The same, but it stays away inside; another runs in its place afterwards."""
        pid = self.ready["pids"][name]
        self.process.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: is_stopped(self.process.pid), "what would start it again stands still")
            os.kill(pid, sig)
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

        def replaced():
            with contextlib.suppress(FileNotFoundError):
                return self.ready["pids"][name] != pid

        wait_until(replaced, f"{name} is started again", 10)

    @contextlib.contextmanager
    def frozen(self, name: str):
        """One process stands still inside: it is there, and does nothing."""
        pid = self.ready["pids"][name]
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: is_stopped(pid), f"{name} stands still")
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def logs(self) -> str:
        parts = []
        for log in sorted((self.data / "log").glob("*.log")):
            parts.append(f"--- {log.name}\n" + "".join(log.read_text(errors="replace").splitlines(True)[-20:]))
        return "\n".join(parts)

    def analyzers(self) -> list[int]:
        """The process ids of the worker's analyzers, running and frozen."""
        worker = self.ready["pids"]["worker"]
        pids = []
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == worker and fields[0] != "Z":
                    pids.append(int(entry.name))
        return pids

    # The web app's side

    def url(self, path: str) -> str:
        return f"http://localhost:{self.port}{path}"

    def login(self) -> dict:
        reply = self.http.post(
            self.url("/api/login"), json={"user": self.ready["user"], "password": self.ready["password"]}, timeout=30)
        reply.raise_for_status()
        return reply.json()

    def get(self, path: str) -> dict:
        reply = self.http.get(self.url(path), timeout=30)
        reply.raise_for_status()
        return reply.json()

    def post(self, path: str, body: dict | None = None) -> dict:
        reply = self.http.post(self.url(path), json=body or {}, timeout=30)
        reply.raise_for_status()
        return reply.json()

    def events(self, query: str = ""):
        """The event stream of the gateway: (name, data) pairs as they come."""
        with self.http.get(self.url("/api/events" + query), stream=True, timeout=TIMEOUT) as stream:
            stream.raise_for_status()
            name, data = None, []
            for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    data.append(line[5:].strip())
                elif not line and data:
                    yield name, json.loads("\n".join(data))
                    name, data = None, []

    def playlists(self) -> list[dict]:
        return self.get("/api/playlists")["playlists"]

    def songs(self, playlist: dict) -> list[dict]:
        return self.get(f"/api/playlist/{playlist['id']}/songs")["songs"]
