#!/usr/bin/env python3
"""Compares the estimates of the real system with what then comes: songs of 20 seconds to 20 minutes made of the default music, a
library's background analysis, playlists and clicks that displace it and each other, and a progress-service that is killed halfway.

    Benchmarks/progress/eta.py [--seed N] [--keep DIR]

Prints a line for each figure: its name, a tab, the value. What `analysisctl eta` says goes to standard error.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / ".build/release"
HEADERS = {"Content-Type": "application/json", "X-Requested-With": "XMLHttpRequest"}
PORT = 18081
PLAYLISTS, SONGS = 4, 12
PACKAGES = ["warzone2100-music", "fretsonfire-songs-muldjord"]


def make_music(folder: pathlib.Path, chance: random.Random):
    """Cuts, or repeats, real songs to lengths of which each is as likely as another on a logarithmic scale."""
    with tempfile.TemporaryDirectory(dir="/tmp") as unpacked:
        subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=unpacked, check=True, stdin=subprocess.DEVNULL)
        for package in pathlib.Path(unpacked).glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, unpacked], check=True)
        sources = sorted(f for f in pathlib.Path(unpacked).rglob("*") if f.suffix in (".opus", ".ogg"))
        for number in range(PLAYLISTS * SONGS):
            source = chance.choice(sources)
            seconds = 20 * 60 ** chance.random()
            target = folder / f"List {number % PLAYLISTS + 1}" / f"{number:02} {source.stem}{source.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                ["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", source, "-t", f"{seconds:.1f}", "-vn", "-c", "copy", target],
                check=True, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def running_system(music: pathlib.Path, data: pathlib.Path):
    command = [ROOT / "deploy/run", "--no-build", "--music", music, "--data", data, "--port", str(PORT)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if not any(line.startswith("Ready: ") for line in process.stdout):
            sys.exit("deploy/run did not become ready")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


class Client:
    def __init__(self, ready: dict):
        self.headers = dict(HEADERS)
        self.call("POST", "/api/login", {"user": ready["user"], "password": ready["password"]})

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        connection.request(method, path, json.dumps(body or {}) if method == "POST" else None, self.headers)
        reply = connection.getresponse()
        text = reply.read()
        if reply.status >= 300:
            sys.exit(f"{method} {path}: {reply.status} {text.decode(errors='replace')}")
        if cookie := reply.getheader("Set-Cookie"):
            self.headers["Cookie"] = cookie.split(";")[0]
        return json.loads(text)


def listen(data: pathlib.Path, chance: random.Random):
    """Signs in, which begins the background analysis, then asks for playlists and songs now and then until all is done."""
    ready = json.loads((data / "run/ready.json").read_text())
    client = Client(ready)
    playlists = [p["id"] for p in client.call("GET", "/api/playlists")["playlists"]]
    songs = [s["id"] for p in playlists for s in client.call("GET", f"/api/playlist/{p}/songs")["songs"]]
    # What is asked for, and after how many seconds: clicks all the time, each playlist once, some of them again.
    asks = [(6 + 7 * n + chance.random() * 4, f"/api/songs/{chance.choice(songs)}/analyze") for n in range(25)]
    asks += [(15 + 40 * n, f"/api/playlists/{p}/reanalyze-all") for n, p in enumerate(playlists)]
    begun = time.monotonic()
    killed = False
    for after, path in sorted(asks):
        time.sleep(max(0, begun + after - time.monotonic()))
        if after > 80 and not killed:
            killed = True
            os.kill(ready["pids"]["progress"], signal.SIGKILL)
            time.sleep(2)
        client.call("POST", path, {"force": True})
    while True:
        queue = client.call("GET", "/api/queue/status")["queue"]
        if queue["pending_jobs"] + queue["in_progress_jobs"] == 0:
            return
        time.sleep(1)


def accuracy(data: pathlib.Path, *arguments: str) -> str:
    sockets = json.loads((data / "run/ready.json").read_text())["sockets"]
    environment = {**os.environ, "ANALYSIS_PROGRESS": f"unix:{sockets['progress']}"}
    command = [BIN / "analysisctl", "eta", "--days", "2", *arguments]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the music and the data, which then stay")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with contextlib.ExitStack() as stack:
        folder = options.keep or pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        music, data = folder / "music", folder / "data"
        if not music.exists():
            print("Making music", file=sys.stderr)
            make_music(music, chance)
        with running_system(music, data):
            print("Analysing it", file=sys.stderr)
            listen(data, chance)
            print(accuracy(data), file=sys.stderr)
            errors = json.loads(accuracy(data, "--json"))[-1]
    print("estimates", errors["estimates"], sep="\t")
    print("within target", errors["adjusted"]["within_target"], sep="\t")
    print("median error", errors["adjusted"]["median"], sep="\t")
    print("within target, unadjusted", errors["unadjusted"]["within_target"], sep="\t")
    print("median error, unadjusted", errors["unadjusted"]["median"], sep="\t")


if __name__ == "__main__":
    main()
