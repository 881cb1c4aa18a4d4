"""The API does what its own description says of it: requests of all kinds are made from the description, and every answer is checked
against it."""

import os
import pathlib
import subprocess
import sys

import pytest
from analysis.v1.catalog_pb2 import CreateUserRequest
from analysisqueue import Catalog, Client

SECRET = "a secret that the web app and the gateway share"
LONG = bool(os.environ.get("ANALYSIS_TEST_LONG"))
# What these answer depends on a session of their own.
OF_A_SESSION = ["/api/logout", "/api/me/password"]
# These could remove, or sign out, the very user that asks, where one answer's user is the next request's.
OF_USERS = ["/api/admin/users", "/api/admin/users/{id}", "/api/admin/users/{id}/role", "/api/admin/users/{id}/password"]


@pytest.fixture
def system(start, tmp_path):
    """A system that takes the web app's tokens, with a library of songs without music, and no limits that testing would meet."""
    secret, music = tmp_path / "secret", tmp_path / "music"
    secret.write_text(SECRET)
    music.mkdir()
    (music / "noise.flac").write_bytes(b"fLaC" + bytes(range(256)) * 64)
    system = start(
        music, ANALYSIS_TOKEN_KEYS=str(secret), ANALYSIS_TOKEN_ALGORITHM="HS256", ANALYSIS_TOKEN_ISSUER="web app", ANALYSIS_TOKEN_AUDIENCE="analysis",
        ANALYSIS_ASKS_PER_MINUTE="1000000", ANALYSIS_LOGINS_PER_MINUTE="1000000", ANALYSIS_STREAMS_PER_USER="1000")
    system.login()
    songs = {"songs": [{"id": number, "name": f"Song {number}"} for number in range(3)]}
    playlist = {"name": "All", "song_ids": [0, 1, 2]}
    for path, body in {"/api/library/songs": songs, "/api/library/playlists/0": playlist}.items():
        system.http.put(system.url(path), json=body, timeout=30).raise_for_status()
    return system


def find_faults(system, *options: str) -> str:
    """What schemathesis says where it finds anything."""
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in system.http.cookies)
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(pathlib.Path(__file__).parent)}
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(pathlib.Path(__file__).with_name("schemathesis.toml")), "run", system.url("/api/openapi.json"), "--checks", "all", "--continue-on-failure", "--no-color",
        "--exclude-path", "/api/events", "--max-examples", "200" if LONG else "10", "--seed", "1", "--request-timeout", "20",
        "--suppress-health-check", "all", "--header", f"Cookie: {cookies}", *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=system.data, timeout=1800)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_every_answer_is_as_described(system):
    exclude = [option for path in OF_A_SESSION + OF_USERS for option in ("--exclude-path", path)]
    faults = find_faults(system, *exclude)
    assert not faults, faults


def test_so_are_those_that_look_after_users(system):
    include = [option for path in OF_USERS for option in ("--include-path", path)]
    faults = find_faults(system, "--phases", "examples,coverage,fuzzing", *include)
    assert not faults, faults


def test_so_are_those_that_end_a_session(system):
    with Client(f"unix:{system.ready['sockets']['queue']}") as client:
        Catalog(client).CreateUser(CreateUserRequest(id="throwaway", password="throw it away", role="ROLE_LISTENER"), timeout=10)
    system.http.post(system.url("/api/login"), json={"user": "throwaway", "password": "throw it away"}, timeout=30).raise_for_status()
    include = [option for path in OF_A_SESSION for option in ("--include-path", path)]
    faults = find_faults(system, "--phases", "examples,coverage,fuzzing", *include)
    assert not faults, faults
