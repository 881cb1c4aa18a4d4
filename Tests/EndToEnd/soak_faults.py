"""What the soak does to the system: kills, restarts, freezes and cuts, at random, one after the other."""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import threading
import time

import requests

from proxy import Proxy
from system import System

PROCESSES = ["redis", "queue", "progress", "worker", "gateway"]
# From the end of a fault until the system answers in full again.
RECOVERY_SECONDS = 30


def behind_proxy(data: pathlib.Path) -> tuple[dict[str, str], Proxy]:
    """Has the services reach Redis through a network that can be cut: the environment for deploy/run, and the network."""
    (data / "run").mkdir(parents=True)
    programs, server = data / "programs", data / "run/server.sock"
    programs.mkdir()
    redis = programs / "redis-server"
    redis.write_text(f'#!/bin/sh\nexec {shutil.which("redis-server")} "$@" --unixsocket {server}\n')
    redis.chmod(0o755)
    return {"PATH": f"{programs}:{os.environ['PATH']}"}, Proxy(server, data / "run/redis.sock")


class Faults:
    """Runs until it is stopped. `mildly` from some moment on: nothing is ended, so that memory can show whether it grows."""

    def __init__(self, system: System, network: Proxy, chance: random.Random):
        self.system, self.network, self.chance = system, network, chance
        self.recoveries: dict[str, list[float]] = {}
        self.problems: list[str] = []
        self.is_mild = False
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._is_over.set()
        self._thread.join(RECOVERY_SECONDS + 60)

    def _run(self):
        while not self._is_over.wait(self.chance.uniform(5, 25)):
            kinds = ["freeze", "cut"] if self.is_mild else ["kill", "kill", "restart", "freeze", "cut"]
            kind, name = self.chance.choice(kinds), self.chance.choice(PROCESSES)
            what = "redis cut off" if kind == "cut" else f"{name} {dict(kill='killed', restart='ended', freeze='frozen')[kind]}"
            try:
                self._await_recovery(what, getattr(self, f"_{kind}")(name))
            except (AssertionError, OSError) as error:
                self.problems.append(f"{what}: {error}")

    # Each returns when the system may begin to recover.

    def _kill(self, name: str) -> float:
        begun = time.monotonic()
        self.system.kill(name)
        return begun

    def _restart(self, name: str) -> float:
        begun = time.monotonic()
        self.system.kill(name, signal.SIGTERM)
        return begun

    def _freeze(self, name: str) -> float:
        pid = self.system.ready["pids"][name]
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.5, 12))
        os.kill(pid, signal.SIGCONT)
        return time.monotonic()

    def _cut(self, _: str) -> float:
        self.network.cut()
        time.sleep(self.chance.uniform(0.1, 8))
        self.network.mend()
        return time.monotonic()

    def _await_recovery(self, what: str, begun: float):
        while time.monotonic() < begun + RECOVERY_SECONDS:
            if self._is_well():
                self.recoveries.setdefault(what, []).append(time.monotonic() - begun)
                return
            time.sleep(0.05)
        self.problems.append(f"{what}: not well again within {RECOVERY_SECONDS} s")

    def _is_well(self) -> bool:
        with contextlib.suppress(requests.RequestException, OSError, ValueError):
            if not requests.get(self.system.url("/api/health/ready"), timeout=5).ok:
                return False
            return requests.get(self.system.url("/api/health/detailed"), timeout=5).ok
        return False
