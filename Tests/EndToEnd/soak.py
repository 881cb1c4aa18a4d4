"""The whole system for so many minutes under the mixed load of 20 listeners, while its processes are killed and its network is cut.

What must hold at the end, and fails the run otherwise: everything drains; every job that was acknowledged has ended; `analysisctl
verify` finds no damage; nobody saw an answer that stands for a fault of ours; after each fault everything answers again. In the last
third nothing is killed. Of it, the later half may take at most a tenth and 8 MB more memory than the earlier (medians, for each
process), and at most 8 more file descriptors; and Redis may hold at most 20 more keys, those aside that are kept for each ended job and
session for as long as the configuration says.
"""

import argparse
import collections
import contextlib
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from soak_faults import PROCESSES, Faults, behind_proxy
from soak_users import ENDED, Listener
from system import BIN, System, default_songs, wait_until

USERS = 20
DRAIN_SECONDS = 900
# Keys that are there for each job that is kept, for each session, and for each song and playlist: their number follows from what users did.
KEPT = (":job:", "session:", "{progress}:", ":request:", ":result:", ":playlist:", ":twins:", ":day:", "file:")


def music(folder: pathlib.Path) -> pathlib.Path:
    """Four playlists of short real songs: many jobs come to an end."""
    for number, song in enumerate(default_songs(folder)[-12:]):
        place = folder / "music" / f"List {number % 4 + 1}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(song, place / f"{number:02}{song.suffix}")
    return folder / "music"


class Samples:
    """What each process holds, every few seconds."""

    def __init__(self, system: System, pause: float):
        self.system, self.pause = system, pause
        self.memory = collections.defaultdict(list)  # process → (when, MB)
        self.descriptors = collections.defaultdict(list)
        self.keys: list[tuple[float, int, int]] = []  # when, kept for jobs and sessions, others
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._is_over.set()
        self._thread.join(30)

    def _run(self):
        while not self._is_over.wait(self.pause):
            with contextlib.suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
                now = time.monotonic()
                for name, pid in self.system.ready["pids"].items():
                    with contextlib.suppress(OSError):
                        self._look(now, name, pid)
                self._count_keys(now)

    def _look(self, now: float, name: str, pid: int):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
        self.memory[name].append((now, int(kilobytes) / 1024))
        self.descriptors[name].append((now, len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))))

    def _count_keys(self, now: float):
        socket = self.system.data / "run/server.sock"
        names = subprocess.run(
            ["redis-cli", "-s", socket, "--scan", "--pattern", "aq:*"], capture_output=True, text=True, check=True,
            timeout=30).stdout.splitlines()
        if names:
            kept = sum(any(part in name for part in KEPT) for name in names)
            self.keys.append((now, kept, len(names) - kept))


def halves(series: list[tuple], since: float, until: float) -> tuple[float, float]:
    """The medians of the values in the earlier and in the later half of a span."""
    middle = (since + until) / 2
    parts = [[value for when, *_, value in series if low <= when < high] for low, high in ((since, middle), (middle, until))]
    return tuple(statistics.median(part) if part else float("nan") for part in parts)


class Soak:
    def __init__(self, minutes: float, seed: int):
        self.minutes, self.seed = minutes, seed
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="soak-"))
        environment, self.network = behind_proxy(self.folder / "d")
        # All listeners come from one address.
        environment |= {"ANALYSIS_LOGINS_PER_MINUTE": "1000"}
        self.system = System(music(self.folder), self.folder / "d", environment)
        self.problems: list[str] = []

    def run(self) -> list[str]:
        self.system.start()
        self.listeners = [self.listener(number) for number in range(USERS)]
        self.faults = Faults(self.system, self.network, random.Random(f"{self.seed} faults"))
        self.samples = Samples(self.system, pause=self.minutes * 60 / 400)
        for part in (*self.listeners, self.samples, self.faults):
            part.start()
        time.sleep(self.minutes * 60 * 2 / 3)
        self.faults.is_mild, mild_since = True, time.monotonic()
        time.sleep(self.minutes * 60 / 3)
        self.span = (mild_since, time.monotonic())
        self.samples.stop()
        self.faults.stop()
        for listener in self.listeners:
            listener.stop()
        for listener in self.listeners:
            listener.join()
        self.drain()
        self.check()
        return self.problems

    def listener(self, number: int) -> Listener:
        name, password = f"listener{number}", "correct horse battery"
        self.ctl("users", "add", name, "--password-file", "-", input=password)
        self.ctl("library", "import", "--user", name)
        return Listener(self.system, name, password, f"{self.seed} {name}")

    def ctl(self, *arguments: str, input: str = "") -> subprocess.CompletedProcess:
        return subprocess.run(
            [BIN / "analysisctl", *arguments, "--queue", f"unix:{self.system.data}/run/queue.sock"],
            input=input, capture_output=True, text=True, timeout=300)

    def drain(self):
        begun = time.monotonic()
        wait_until(lambda: self.listeners[0].sign_in(), "a listener signs in")

        def drained():
            for listener in self.listeners:
                listener.settle()
            queue = (self.listeners[0].ask("GET", "/api/queue/status") or {}).get("queue")
            return queue and queue["pending_jobs"] == queue["in_progress_jobs"] == 0

        try:
            wait_until(drained, "everything has drained", DRAIN_SECONDS)
        except AssertionError as error:
            self.problems.append(str(error))
        self.drain_seconds = time.monotonic() - begun

    def check(self):
        self.ended = collections.Counter()
        for listener in self.listeners:
            for job in listener.acknowledged:
                state = listener.state(job)
                self.ended[state] += 1
                if state not in ENDED:
                    self.problems.append(f"job {job} of {listener.name} was acknowledged and is {state or 'not known'}")
            self.problems += listener.faults
        self.problems += self.faults.problems
        verified = self.ctl("verify")
        self.verified = (verified.stdout + verified.stderr).strip().splitlines()[-1]
        if verified.returncode:
            self.problems.append(f"verify: {verified.stdout}{verified.stderr}")
        for name in PROCESSES:
            before, after = halves(self.samples.memory[name], *self.span)
            # Redis grows by the jobs that it keeps.
            if name != "redis" and not after <= before * 1.1 + 8:
                self.problems.append(f"{name}: {before:.0f} MB, later {after:.0f} MB")
            before, after = halves(self.samples.descriptors[name], *self.span)
            if not after <= before + 8:
                self.problems.append(f"{name}: {before:.0f} file descriptors, later {after:.0f}")
        before, after = halves(self.samples.keys, *self.span)
        if not after <= before + 20:
            self.problems.append(f"Redis: {before:.0f} keys, later {after:.0f}")

    def report(self):
        listeners = self.listeners
        answers = sum((listener.answers for listener in listeners), collections.Counter())
        seconds = sorted(second for listener in listeners for second in listener.seconds)
        print(f"\n{self.minutes:g} minutes, seed {self.seed}, {USERS} listeners")
        print("answers        ", ", ".join(f"{count} × {status}" for status, count in sorted(answers.items())))
        print(f"answered in     median {seconds[len(seconds) // 2] * 1000:.0f} ms, p99 {seconds[len(seconds) * 99 // 100] * 1000:.0f} ms")
        print("events         ", sum(listener.events for listener in listeners))
        print("acknowledged   ", ", ".join(f"{count} {str(state).lower()}" for state, count in self.ended.most_common()))
        print(f"drained in      {self.drain_seconds:.0f} s")
        print("verify         ", self.verified)
        print(f"\n{'fault':<22} {'times':>5} {'well again: median':>20} {'worst':>9}")
        for what, times in sorted(self.faults.recoveries.items()):
            print(f"{what:<22} {len(times):>5} {statistics.median(times):>18.2f} s {max(times):>7.2f} s")
        print(f"\n{'process':<10} {'MB: earlier':>12} {'later':>7} {'most':>7} {'descriptors: earlier':>22} {'later':>7} {'most':>7}")
        for name in PROCESSES:
            memory, descriptors = self.samples.memory[name], self.samples.descriptors[name]
            before, after = halves(memory, *self.span)
            fewer, more = halves(descriptors, *self.span)
            print(
                f"{name:<10} {before:>12.1f} {after:>7.1f} {max(value for _, value in memory):>7.1f} {fewer:>22.0f} {more:>7.0f}"
                f" {max(value for _, value in descriptors):>7}")
        before, after = halves(self.samples.keys, *self.span)
        kept = self.samples.keys[-1][1] if self.samples.keys else 0
        print(f"\nkeys in Redis   earlier {before:.0f}, later {after:.0f}; besides {kept} of jobs, sessions, songs and results that are kept")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", type=float)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    soak = Soak(arguments.minutes, arguments.seed)
    try:
        problems = soak.run()
        soak.report()
    finally:
        soak.system.stop()
    for problem in problems[:50]:
        print("PROBLEM", problem)
    if problems:
        print(f"{len(problems)} problems; logs and data are in {soak.folder}")
        return 1
    shutil.rmtree(soak.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
