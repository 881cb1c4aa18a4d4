"""The services as they run on several machines: TLS with a certificate each, and nobody may do more than its part."""

import contextlib
import pathlib
import shutil
import signal
import subprocess

import pytest
import requests

from guarded_redis import BIN, GuardedRedis, make_secrets
from system import ROOT, free_port, wait_until


class Machines:
    """Every service with a certificate of its own, on ports of this machine. Nobody is an operator but `operator`."""

    def __init__(self, folder: pathlib.Path, music: pathlib.Path):
        self.folder, self.certificates = folder, folder / "certificates"
        self.ports = {name: free_port() for name in ("queue", "progress", "gateway")}
        names = [f"{name},127.0.0.1" for name in ("queue", "progress")] + ["worker", "gateway", "operator"]
        subprocess.run([ROOT / "deploy/certificates", self.certificates, *names], check=True)
        self.signing, self.verifying = folder / "signing.json", folder / "verifying.json"
        self.rotate_keys()
        self.processes = []
        make_secrets(folder / "secrets")
        self.redis = GuardedRedis(folder / "secrets")
        nobody = ["--operator-uid", "4294967294", "--verifying-keys", self.verifying]
        self._serve(
            "queue", *nobody, "--redis", self.redis.url("queue"), allow={
                "operator": ["*"], "worker": ["analysis.v1.Workers/*"],
                "progress": ["analysis.v1.Queue/Follow", "analysis.v1.Queue/GetJob", "analysis.v1.Catalog/*"],
                "gateway": ["analysis.v1.Queue/*", "analysis.v1.Catalog/*", "analysis.v1.Alerts/*", "analysis.v1.Audit/*"],
            }, act_for=["operator", "progress"])
        self._serve(
            "progress", *nobody, "--redis", self.redis.url("progress"), "--queue", self.address("queue"), allow={
                "worker": ["analysis.v1.Progress/Report"], "gateway": ["analysis.v1.Progress/*"],
            }, act_for=[])
        services = ["--queue", self.address("queue"), "--progress", self.address("progress")]
        self._start(BIN / "analysis-worker", *services, *self.identity("worker"), "--music", music)
        self._start(
            BIN / "gateway", *services, *self.identity("gateway"), "--signing-keys", self.signing,
            "--listen", f"tcp://127.0.0.1:{self.ports['gateway']}")

    def rotate_keys(self):
        keys = ["--signing", self.signing, "--verifying", self.verifying]
        subprocess.run([BIN / "analysisctl", "keys", "rotate", *keys], check=True)

    def address(self, name: str) -> str:
        return f"tls://127.0.0.1:{self.ports[name]}"

    def identity(self, name: str) -> list:
        folder = self.certificates
        return [
            "--tls-certificate", folder / f"{name}.crt", "--tls-key", folder / f"{name}.key",
            "--tls-authority", folder / "authority.crt"]

    def ctl(self, name: str, *arguments, stdin: str = "") -> subprocess.CompletedProcess:
        """analysisctl, with the certificate of that name."""
        return subprocess.run(
            [BIN / "analysisctl", *arguments, "--queue", self.address("queue"), *self.identity(name)],
            input=stdin, capture_output=True, text=True, timeout=120)

    def _serve(self, name: str, *arguments, allow: dict, act_for: list):
        rules = [flag for peer, methods in allow.items() for method in methods for flag in ("--allow", f"{peer}={method}")]
        rules += [flag for peer in act_for for flag in ("--act-for", f"{peer}=*")]
        self._start(
            BIN / f"{name}-service", "--listen", self.address(name), *self.identity(name), *arguments, *rules)

    def _start(self, *command):
        log = open(self.folder / f"{len(self.processes)}.log", "wb")
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL))

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(timeout=20)
        self.redis.stop()


@pytest.fixture
def machines(songs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("m")
    music = folder / "music/List"
    music.mkdir(parents=True)
    for song in songs[-3:]:
        shutil.copy(song, music)
    system = Machines(folder, music.parent)
    yield system
    system.stop()


def test_everything_works_over_tls_and_nobody_may_do_more_than_its_part(machines):
    added = machines.ctl("operator", "users", "add", "alice", "--password-file", "-", stdin="correct horse battery")
    assert added.returncode == 0, added.stderr
    imported = machines.ctl("operator", "library", "import", "--user", "alice")
    assert "3 songs" in imported.stdout, imported.stderr

    http, url = requests.Session(), f"http://127.0.0.1:{machines.ports['gateway']}"

    def signed_in():
        with contextlib.suppress(requests.ConnectionError):
            reply = http.post(
                f"{url}/api/login", json={"user": "alice", "password": "correct horse battery"}, timeout=30)
            return reply.status_code == 200

    def analysed() -> int:
        playlists = http.get(f"{url}/api/playlists", timeout=30)
        playlists.raise_for_status()
        return sum(playlist["analyzed_count"] for playlist in playlists.json()["playlists"])

    wait_until(signed_in, "the gateway signs alice in", 20)
    # A key that is replaced on the way is noticed by both sides.
    machines.rotate_keys()
    wait_until(lambda: analysed() == 3, "all songs are analysed")

    for name, arguments in [
        # The gateway acts for nobody without a token that says so.
        ("gateway", ["library", "list", "--user", "alice"]),
        ("worker", ["library", "list", "--user", "alice"]),
        ("worker", ["status"]),
    ]:
        refused = machines.ctl(name, *arguments)
        assert refused.returncode != 0 and "may not" in refused.stderr, (name, arguments, refused.stderr)
    file = machines.folder / "backup"
    for arguments in [["backup", file], ["restore", file, "--replace"]]:
        done = machines.ctl("operator", *arguments)
        assert done.returncode == 0, done.stderr
    assert analysed() == 3
    assert machines.redis.denied() == ""
