"""Every command in the documents is run here, or is named here with the script or test that runs it."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from log import EventLog
from system import BIN, ROOT, wait_until

DOCUMENTS = [ROOT / "README.md", ROOT / "clients/python/README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Those whose blocks are run from top to bottom on a running system.
RUN = ["guide.md", "recovery.md"]
# What other commands begin with → where it is run, and a text there that shows it.
ELSEWHERE = {
    "deploy/run": ("Tests/EndToEnd/system.py", "deploy/run"),
    "deploy/test": (".ci/run", "deploy/test"),
    "deploy/soak": ("deploy/soak", "soak.py"),
    "deploy/verify-upgrade": ("deploy/test", "deploy/verify-upgrade"),
    "deploy/certificates": ("Tests/EndToEnd/test_machines.py", "deploy/certificates"),
    "deploy/secrets": ("Tests/EndToEnd/guarded_redis.py", "deploy/secrets"),
    "queue-service --listen tls://": ("Tests/EndToEnd/test_machines.py", "tls://"),
    "progress-service --listen tls://": ("Tests/EndToEnd/test_machines.py", "tls://"),
    "analysisctl keys rotate": ("deploy/run", "keys rotate"),
    "analysisctl backup": ("Tests/EndToEnd/test_backup.py", '"backup"'),
    "analysisctl restore": ("Tests/EndToEnd/test_backup.py", '"restore"'),
    "analysisctl alerts": ("Tests/EndToEnd/test_alerts.py", '"alerts", "acknowledge"'),
    "analysisctl users export": ("Tests/EndToEnd/test_erasure.py", '"users", "export"'),
    "analysisctl users remove": ("Tests/EndToEnd/test_erasure.py", '"users", "remove"'),
    "analysisctl migrate": ("Tests/EndToEnd/test_migrate.py", "migrate"),
    "analysisctl lanes add": ("Tests/EndToEnd/test_lanes.py", '"add"'),
    "analysisctl users move": ("Tests/EndToEnd/test_lanes.py", '"move"'),
    "sudo analysisctl loglevel": ("Tests/EndToEnd/test_analysisctl.py", '"loglevel"'),
    "docker run": ("deploy/verify-containers", '"loglevel"'),
    "docker compose": ("deploy/verify-containers", "podman-compose"),
    "printf %s 'PASSWORD' | docker compose": ("deploy/verify-containers", '"users", "add"'),
    "swift build": ("deploy/Dockerfile", "--static-swift-stdlib"),
    "sudo deploy/systemd/install": ("Tests/EndToEnd/test_deployment.py", "deploy/systemd"),
    "journalctl": ("Tests/DaemonTests/LogTests.swift", "theJournalIsToldThePriority"),
    "sudo systemctl": ("Tests/EndToEnd/test_deployment.py", "ExecStart"),
    "kubectl": ("Tests/EndToEnd/test_deployment.py", "kustomization.yaml"),
    "for name in": ("Tests/EndToEnd/test_deployment.py", "kustomization.yaml"),
    "export ANALYSIS_ANALYZER": ("Tests/EndToEnd/test_analyzers.py", "ANALYSIS_ANALYZER="),
    "ANALYSIS_ANALYZERS=": ("Tests/EndToEnd/test_analyzers.py", "ANALYSIS_ANALYZERS="),
    "pip install": ("deploy/common.sh", "clients/python"),
}


def blocks(document: pathlib.Path) -> list[str]:
    """The shell blocks: fenced ones, and those that are indented."""
    text = document.read_text()
    fenced = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    without = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    indented = re.findall(r"(?:^|\n\n)((?:    \S.*\n)+)", without)
    return fenced + [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in indented]


def commands(block: str) -> list[str]:
    lines = re.sub(r"\\\n\s*", "", block).splitlines()
    # What belongs to a loop is part of its first line.
    return [line for line in lines if line.strip() and not line.startswith(("#", " ", "done"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_command_is_run_somewhere(document):
    for block in blocks(document) if document.name not in RUN or document.parent != ROOT / "docs" else []:
        for command in commands(block):
            found = [where for start, where in ELSEWHERE.items() if command.startswith(start)]
            assert found, f"{document.name}: nothing runs `{command}`; run it here, or tell in ELSEWHERE where it is run"
            for file, text in found:
                assert text in (ROOT / file).read_text(), f"{file} no longer shows {text!r}, which is to run `{command}`"


@pytest.mark.parametrize("program", ["queue-service", "progress-service"])
def test_services_on_several_machines_are_given_the_rights_that_they_have_elsewhere(program):
    [line] = [
        line for block in blocks(ROOT / "docs/deployment.md") for line in commands(block) if line.startswith(f"{program} ")]
    words = shlex.split(line)
    called = {"worker": "analysis-worker", "progress.example": "progress-service", "gateway": "gateway", "operator": "operator"}
    told = set()
    for flag, rule in zip(words, words[1:]):
        if flag in {"--allow", "--act-for"}:
            peer, what = rule.split("=")
            told.add(f"{flag}={called[peer]}={what}")
    manifest = next(yaml.safe_load_all((ROOT / f"deploy/kubernetes/{program}.yaml").read_text()))
    given = manifest["spec"]["template"]["spec"]["containers"][0]["args"]
    assert told == {rule for rule in given if re.match("--(allow|act-for)=", rule)}
    assert "password-file=" in words[words.index("--redis") + 1]


@pytest.fixture(scope="module")
def ctl_help() -> dict:
    reply = subprocess.run([BIN / "analysisctl", "--experimental-dump-help"], capture_output=True, check=True)
    return json.loads(reply.stdout)["command"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_analysisctl_command_that_is_named_exists(document, ctl_help):
    """Also those that stand in a sentence or a table: each subcommand and each flag."""
    text = document.read_text()
    for named in re.findall(r"`(analysisctl [^`]+)`|^(analysisctl .*)$", text, re.MULTILINE):
        words = re.split(r"\s#|\|\|", "".join(named))[0].split()[1:]
        command = ctl_help
        while words and (below := [c for c in command.get("subcommands", []) if c["commandName"] == words[0]]):
            command, words = below[0], words[1:]
        flags = {f"--{name['name']}" for argument in command.get("arguments", []) for name in argument.get("names") or []}
        assert command is not ctl_help, f"{document.name}: there is no `analysisctl {' '.join(words)}`"
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= flags, f"{document.name}: {named}"
        if command.get("subcommands") and words and re.fullmatch(r"[a-z-]+", words[0]):
            raise AssertionError(f"{document.name}: `analysisctl {command['commandName']}` has no {words[0]}")


def shell(system, folder: pathlib.Path, block: str, placeholders: dict[str, str]) -> str:
    for name, value in placeholders.items():
        block = re.sub(rf"(?<![\w-]){name}(?![\w-])", lambda _: value, block)
    block = block.replace("localhost:8080", f"localhost:{system.port}")
    sockets = system.ready["sockets"]
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block], cwd=folder, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ANALYSIS_QUEUE": f"unix:{sockets['queue']}",
             "ANALYSIS_PROGRESS": f"unix:{sockets['progress']}"})
    assert ran.returncode == 0, f"{block}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def test_the_guide_leads_to_an_analysed_song(system, tmp_path):
    log = EventLog(system)
    system.login()
    playlist = system.playlists()[0]
    song = system.songs(playlist)[0]
    placeholders = {"PASSWORD": system.ready["password"], "PLAYLIST": playlist["id"], "SONG": song["id"]}
    guide = (ROOT / "docs/guide.md").read_text()
    for block in re.findall(r"^```sh\n(.*?)^```", guide, re.DOTALL | re.MULTILINE):
        shell(system, tmp_path, block, {name: str(value) for name, value in placeholders.items()})
    log.wait(lambda e: e.kind == "SONG_ANALYSED" and str(e.song_id) == str(song["id"]))
    assert system.get(f"/api/song/{song['id']}/analysis")["analysis"]["analysis_details"]["tempo"]
    assert [s["id"] for s in system.get("/api/playlist/evening/songs")["songs"]] == [1001]


def test_the_guides_own_analyzer_analyses_the_guides_own_song(start, library, tmp_path):
    guide = (ROOT / "docs/guide.md").read_text()
    [program] = re.findall(r"^```python\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    (tmp_path / "words.py").write_text(program)
    system = start(
        library, ANALYSIS_ANALYZER=f"words={shlex.join([sys.executable, str(tmp_path / 'words.py')])}",
        ANALYSIS_ANALYZERS="words@1")
    system.login()
    song = {"id": 1001, "name": "Northern Line", "attributes": {"lyrics": "moon and stars"}}
    system.http.put(system.url("/api/library/songs"), json={"songs": [song]}, timeout=30).raise_for_status()
    system.post("/api/songs/1001/analyze")

    def score():
        analysis = system.get("/api/song/1001/analysis")["analysis"]
        return analysis and analysis["score"]

    assert wait_until(score, "the song is analysed") == 3


def test_the_procedures_of_recovery_work_on_a_running_system(system, tmp_path):
    log = EventLog(system)
    system.login()
    job = log.wait(lambda e: e.kind == "STARTED").job.id
    with open(tmp_path / "alice", "w") as password:
        password.write("correct horse battery")
    shell(system, tmp_path, "analysisctl users add alice --password-file alice", {})
    recovery = (ROOT / "docs/recovery.md").read_text()
    for block in re.findall(r"^```sh\n(.*?)^```", recovery, re.DOTALL | re.MULTILINE):
        shell(system, tmp_path, block, {"JOB": job, "DATA": str(system.data)})
    # With the new key, too, the gateway is let through.
    wait_until(lambda: system.http.get(system.url("/api/me"), timeout=10).ok, "the services know the new key")
