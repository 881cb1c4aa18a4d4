"""Who leaves takes everything along and leaves nothing behind, whatever runs for them just then."""

import json
import subprocess

import pytest
import requests

from log import EventLog
from system import BIN, wait_until
from test_crashes import gone


def ctl(system, *arguments: str) -> str:
    command = [BIN / "analysisctl", *arguments, "--queue", f"unix:{system.ready['sockets']['queue']}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def redis(system, *command: str) -> str:
    return subprocess.run(
        ["redis-cli", "-s", system.ready["sockets"]["redis"], *command], capture_output=True, text=True, errors="replace",
        timeout=30, check=True).stdout


READS = {
    "string": ["GET"], "hash": ["HGETALL"], "set": ["SMEMBERS"], "list": ["LRANGE", "0", "-1"], "zset": ["ZRANGE", "0", "-1"],
    "stream": ["XRANGE", "-", "+"]}


def naming(system, name: str) -> list[str]:
    """The keys in whose name or content the name stands."""
    found = []
    for key in redis(system, "--scan").splitlines():
        kind = redis(system, "TYPE", key).strip()
        if kind == "none":
            continue
        read, *rest = READS[kind]
        if name in key or name in redis(system, read, key, *rest):
            found.append(key)
    return found


def test_whoever_leaves_takes_all_along_and_leaves_nothing(system, tmp_path):
    name = system.ready["user"]
    log = EventLog(system)
    system.login()
    log.wait(lambda e: e.kind == "SONG_ANALYSED")
    log.wait(lambda e: e.kind == "STARTED")
    system.get("/api/progress/global")
    assert any("{progress}" in key for key in naming(system, name))

    file = tmp_path / "export.jsonl"
    ctl(system, "users", "export", name, str(file))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    kinds = {line["kind"] for line in lines}
    assert {"account", "preferences", "playlist", "song", "result", "job", "event", "audit", "end"} <= kinds
    assert lines[-1] == {"kind": "end", "lines": len(lines) - 1, "exported_at": lines[-1]["exported_at"]}
    assert sum(line["kind"] == "song" for line in lines) == 12
    whole = file.read_text()
    with pytest.raises(subprocess.CalledProcessError):
        ctl(system, "users", "export", "nobody", str(file))
    assert file.read_text() == whole and sorted(tmp_path.glob("export*")) == [file]
    own = system.http.get(system.url("/api/me/export"), timeout=30)
    assert own.headers["Content-Type"].startswith("application/x-ndjson")
    assert {json.loads(line)["kind"] for line in own.text.splitlines()} == kinds

    children = set(system.analyzers())
    said = ctl(system, "users", "remove", name)
    alias = said.split()[-1]
    wait_until(lambda: any(gone(pid) for pid in children), "what ran has ended")
    wait_until(lambda: naming(system, name) == [], "nothing names the user")
    assert "RemoveUser" in ctl(system, "audit", "--user", alias)
    ctl(system, "verify")
    wait_until(lambda: system.http.get(system.url("/api/me"), timeout=30).status_code == 401, "their session has ended")


def test_users_remove_themselves_with_their_password(system):
    system.login()
    system.http.post(
        system.url("/api/admin/users"), json={"user": "mallory-7", "password": "a long password"}, timeout=30).raise_for_status()
    own = requests.Session()
    own.post(system.url("/api/login"), json={"user": "mallory-7", "password": "a long password"}, timeout=30).raise_for_status()
    songs = {"songs": [{"id": number, "name": f"Song {number}"} for number in range(3)]}
    own.put(system.url("/api/library/songs"), json=songs, timeout=30).raise_for_status()
    assert own.delete(system.url("/api/me"), json={"password": "a wrong one"}, timeout=30).status_code == 403
    assert own.get(system.url("/api/me"), timeout=30).status_code == 200
    own.delete(system.url("/api/me"), json={"password": "a long password"}, timeout=30).raise_for_status()
    assert own.get(system.url("/api/me"), timeout=30).status_code == 401
    wait_until(lambda: naming(system, "mallory-7") == [], "nothing names the user")
