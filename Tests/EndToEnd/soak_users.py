"""A listener of the soak: signs in, clicks, changes its mind, looks, and keeps an event stream open."""

import collections
import contextlib
import random
import threading
import time

import requests

from system import System

# What a listener may see while something is away; everything else of 5xx is a fault.
AWAY = {429, 502, 503, 504}
# A person waits for what they asked for: so many jobs of one that have not ended.
PATIENCE = 3
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}


class Listener:
    def __init__(self, system: System, name: str, password: str, seed: str):
        self.system, self.name, self.password = system, name, password
        self.chance = random.Random(seed)
        self.http = requests.Session()
        self.acknowledged: list[str] = []
        self.answers: collections.Counter[str] = collections.Counter()
        self.faults: list[str] = []
        self.events = 0
        self.seconds: list[float] = []
        self._live: set[str] = set()
        self._songs: list = []
        self._lists: list = []
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._act, self._listen)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._is_over.set()

    def join(self):
        self._threads[0].join(60)

    def ask(self, method: str, path: str, body: dict | None = None, known: set[int] = frozenset()) -> dict | None:
        """The answer; None where there was none, or one that is no surprise: something is away, or a status of `known`."""
        begun = time.monotonic()
        try:
            reply = self.http.request(method, self.system.url(path), json=body, timeout=30)
            answer = reply.json()
        except (requests.RequestException, ValueError) as error:
            self.answers["no answer"] += 1
            if isinstance(error, requests.Timeout):
                self.faults.append(f"{self.name}: {method} {path}: no answer within 30 s")
            return None
        self.answers[f"{reply.status_code}"] += 1
        if reply.ok:
            self.seconds.append(time.monotonic() - begun)
            return answer
        if reply.status_code not in AWAY | known:
            self.faults.append(f"{self.name}: {method} {path}: {reply.status_code} {answer.get('message')}")
        return None

    def sign_in(self) -> bool:
        return self.ask("POST", "/api/login", {"user": self.name, "password": self.password}) is not None

    def state(self, job: str) -> str | None:
        """None where it cannot be asked now."""
        answer = self.ask("GET", f"/api/jobs/{job}/status")
        return answer["job"]["status"] if answer else None

    # What it does

    def _act(self):
        while not self._is_over.wait(self.chance.expovariate(1 / 4)):
            if not self._songs:
                self._arrive()
                continue
            action = self.chance.choices(
                [self._click, self._play, self._background, self._change_mind, self._look, self.sign_in],
                weights=[20, 8, 4, 15, 50, 3])[0]
            action()

    def _arrive(self):
        if self.sign_in() and (lists := self.ask("GET", "/api/playlists")):
            self._lists = [playlist["id"] for playlist in lists["playlists"]]
            for playlist in self._lists:
                if songs := self.ask("GET", f"/api/playlist/{playlist}/songs"):
                    self._songs += [song["id"] for song in songs["songs"]]

    def _click(self):
        self._want(f"/api/songs/{self.chance.choice(self._songs)}/analyze", {"force": self.chance.random() < 0.5})

    def _play(self):
        what = self.chance.choice(["analyze", "analyze-unanalyzed", "reanalyze-all"])
        self._want(f"/api/playlists/{self.chance.choice(self._lists)}/{what}", {})

    def _background(self):
        self._want("/api/analysis/background", {})

    def _want(self, path: str, body: dict):
        if len(self._live) < PATIENCE and (answer := self.ask("POST", path, body)) and (job := answer.get("job_id")):
            self.acknowledged.append(job)
            self._live.add(job)

    def _change_mind(self):
        for job in sorted(self._live):
            state = self.state(job)
            if state in ENDED:
                self._live.discard(job)
            elif state == "PAUSED":
                self.ask("POST", f"/api/jobs/{job}/resume", known={409})
            elif state and self.chance.random() < 0.5:
                self.ask("POST", f"/api/jobs/{job}/{self.chance.choice(['pause', 'cancel'])}", known={409})

    def _look(self):
        paths = ["/api/analysis/status", "/api/progress", "/api/queue/status", "/api/history", "/api/stats", "/api/me",
                 "/api/playlists", "/api/library/insights", "/api/search_songs?q=track", "/api/jobs", "/api/progress/global",
                 f"/api/song/{self.chance.choice(self._songs)}/analysis",
                 f"/api/playlists/{self.chance.choice(self._lists)}/analysis-status"]
        self.ask("GET", self.chance.choice(paths))

    def settle(self):
        """Lets go on what it has paused."""
        for job in self._live:
            if self.state(job) == "PAUSED":
                self.ask("POST", f"/api/jobs/{job}/resume", known={409})

    def _listen(self):
        while not self._is_over.is_set():
            with contextlib.suppress(requests.RequestException):
                url = self.system.url("/api/events?active=true&library=true")
                with self.http.get(url, stream=True, timeout=60) as stream:
                    if stream.ok:
                        for line in stream.iter_lines(chunk_size=1):
                            self.events += line.startswith(b"event:")
                            if self._is_over.is_set():
                                return
            self._is_over.wait(1)
