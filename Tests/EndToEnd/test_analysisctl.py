"""Every command of analysisctl, against a running system: what it prints, its JSON, its exit codes."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import termios
import time

import pytest

from system import BIN, wait_until

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def ran() -> set[str]:
    """The commands that were run, such as "jobs list"."""
    return set()


class Ctl:
    def __init__(self, system, ran: set[str]):
        sockets = system.ready["sockets"]
        self.environment = {
            **os.environ, "ANALYSIS_QUEUE": f"unix:{sockets['queue']}", "ANALYSIS_PROGRESS": f"unix:{sockets['progress']}"}
        self.run_folder = system.data / "run"
        self.ran = ran

    def __call__(self, *words: str, code: int = 0, stdin: str = "") -> str:
        done = subprocess.run(
            [BIN / "analysisctl", *words], capture_output=True, text=True, timeout=120, input=stdin, env=self.environment)
        assert done.returncode == code, f"{words}: {done.returncode}: {done.stdout}{done.stderr}"
        self.ran.add(command_of(words))
        return done.stdout if code == 0 else done.stdout + done.stderr

    def json(self, *words: str):
        return json.loads(self(*words, "--json"))


def commands(tree: dict, path: str = "") -> dict[str, set[str]]:
    """The flags of each command that does something."""
    found = {}
    for sub in tree.get("subcommands", []):
        name = f"{path} {sub['commandName']}".strip()
        inner = [each for each in sub.get("subcommands", []) if each["commandName"] != "help"]
        if sub["commandName"] == "help":
            continue
        if inner:
            found |= commands(sub, name)
            if default := sub.get("defaultSubcommand"):
                found[name] = found[f"{name} {default}"]
        else:
            found[name] = {name["name"] for each in sub.get("arguments", []) for name in each.get("names") or []}
    return found


HELP = json.loads(subprocess.run([BIN / "analysisctl", "--experimental-dump-help"], capture_output=True, check=True).stdout)
COMMANDS = commands(HELP["command"])


def command_of(words) -> str:
    """The longest beginning of the words that is a command."""
    for count in (2, 1):
        if (name := " ".join(words[:count])) in COMMANDS:
            return name
    raise AssertionError(f"{words} is no command")


@pytest.fixture
def ctl(system, ran):
    return Ctl(system, ran)


def test_commands_work_and_answer_with_json(ctl, system, tmp_path, ran):
    system.login()
    # Users
    assert "alice" in ctl("users", "add", "alice", "--password-file", "-", stdin=PASSWORD)
    assert "already" in ctl("users", "add", "alice", "--password-file", "-", stdin=PASSWORD, code=7)
    assert "alice, administrator" in ctl("users", "role", "alice", "administrator")
    ctl("users", "password", "alice", "--password-file", "-", stdin=PASSWORD + "!")
    assert {user["id"] for user in ctl.json("users", "list")} >= {"alice"}
    assert "lane 0 already" in ctl("users", "move", "alice", "0")
    # Library
    imported = ctl.json("library", "import", "--user", "alice")
    assert imported["files"] == imported["added"] == 12
    playlists = ctl.json("library", "list", "--user", "alice")
    assert [each["song_count"] for each in playlists] == [3, 3, 3, 3]
    assert "quiet hours      22:00-06:00" in ctl("preferences", "set", "alice", "--quiet-hours", "22:00-06:00")
    assert ctl.json("preferences", "show", "alice")["preferences"]["quiet_hours"] == ["22:00-06:00"]
    # The queue and its jobs
    assert "for a test" in ctl("queue", "pause", "--reason", "for a test", "--seconds", "3600")
    assert ctl.json("status")["pause"]["reason"] == "for a test"
    job = ctl.json("jobs", "enqueue", "--user", "alice", "--playlist", playlists[0]["id"])[0]["job"]
    assert job["state"] == "pending" and job["priority"] == "medium"
    assert ctl.json("jobs", "promote", job["id"])["priority"] == "high"
    assert ctl.json("jobs", "prioritise", job["id"], "low")["priority"] == "low"
    position = ctl.json("jobs", "position", job["id"])
    # What holds it back is the pause.
    assert position["ahead_high"] == 0 and 3_000_000 < position["starts_in_ms"] < 4_000_000
    assert [each["id"] for each in ctl.json("jobs", "list", "--user", "alice")] == [job["id"]]
    assert ctl("jobs", "list", "--user", "alice").split("\t")[:4] == [job["id"], "playlist", "low", "pending"]
    assert ctl.json("jobs", "pause", job["id"])["state"] == "paused"
    assert ctl.json("jobs", "resume", job["id"])["state"] == "interrupted"
    ctl("jobs", "retry", job["id"])
    ctl("queue", "resume")
    assert ctl("jobs", "watch", job["id"]).splitlines()[-1].startswith(f"{job['id']} completed 100%")
    shown = ctl.json("jobs", "show", job["id"])
    assert shown["state"] == "completed" and shown["analysed"] + shown["skipped"] == 3
    assert "made    20" in ctl("jobs", "show", job["id"])
    ctl("queue", "pause", "--reason", "for a test")
    other = ctl.json("jobs", "enqueue", "--user", "alice", "--playlist", playlists[1]["id"])[0]["job"]
    assert ctl.json("jobs", "cancel", other["id"])["state"] == "cancelled"
    ctl("jobs", "watch", other["id"], code=2)
    ctl("jobs", "enqueue", "--user", "alice", "--background")
    assert ctl("queue", "clear", "--user", "alice") == "cancelled 1\n"
    assert ctl("jobs", "clear") == "cancelled 0\n" and ctl("jobs", "replay") == "replayed 0\n"
    ctl("queue", "resume")
    # Looking after it
    assert ctl.json("stats", "--days", "1")[0]["completed"] >= 1
    assert ctl("stats", "--days", "7").count("\n") == 7
    assert isinstance(ctl.json("eta", "--days", "7"), list)
    assert "WORKERS" in ctl("top")
    assert [lane["id"] for lane in ctl.json("lanes", "list")] == ["0"]
    assert "no damage" in ctl("verify") and ctl.json("repair") == []
    backup = tmp_path / "monday.aq"
    assert ctl.json("backup", str(backup))["bytes"] == backup.stat().st_size
    assert "would be lost" in ctl("restore", str(backup), code=10)
    assert ctl.json("restore", str(backup), "--replace")["keys"] > 0
    old = {"job_id": "old-1", "job_type": "song_analysis", "priority": 1, "user_id": "alice", "target_id": "none", "status": "pending"}
    assert "passed over" in ctl("migrate", "--file", "-", "--dry-run", stdin=json.dumps(old), code=1)
    ctl("keys", "rotate", "--signing", str(tmp_path / "signing.json"), "--verifying", str(tmp_path / "verifying.json"))
    for shell in ("bash", "zsh", "fish"):
        assert "analysisctl" in ctl("completion", shell)
    subprocess.run(["bash", "-n"], input=ctl("completion", "bash"), text=True, check=True)
    before = ctl.json("users", "list")
    calls = {each["call"]: each for each in ctl.json("bench", "--count", "20")}
    assert set(calls) == {"no-op", "status", "enqueue", "cancel"} and all(each["count"] == 20 for each in calls.values())
    assert ctl.json("users", "list") == before and "no damage" in ctl("verify")
    ctl("users", "remove", "alice")
    ctl("lanes", "add")


def test_a_worker_is_taken_out_of_service_and_back_in(ctl, system, ran):
    worker = wait_until(lambda: [each for each in ctl.json("workers", "list") if each["lanes"] == ["0"]], "it has its lane", 15)[0]
    assert worker["id"] in ctl("workers", "show", worker["id"][:8])
    assert "out of service" in ctl("workers", "drain", worker["id"], "--wait")
    assert ctl.json("workers", "show", worker["id"])["lanes"] == []
    assert "in service" in ctl("workers", "drain", worker["id"], "--undo")
    wait_until(lambda: ctl.json("workers", "show", worker["id"])["lanes"] == ["0"], "its lane is back", 15)


def test_the_level_of_every_running_process_changes_and_goes_back(ctl, system):
    sockets = {name: f"unix:{ctl.run_folder}/{name}.sock" for name in ("worker", "gateway")}
    for process in ("queue", "progress", sockets["worker"], sockets["gateway"]):
        changed = ctl.json("loglevel", process, "debug", "--for", "10m")
        assert changed["started_with"] == "info" and changed["settings"][0]["level"] == "debug", process
        assert changed["settings"][0]["until_ms"] > time.time() * 1000
        assert "everything: debug until 20" in ctl("loglevel", process)
        assert ctl.json("loglevel", process, "default")["settings"] == []
    # It is one label that says more; then, what it says.
    log = system.data / "log/gateway.log"
    size = log.stat().st_size
    ctl("loglevel", sockets["gateway"], "debug")
    system.login()
    wait_until(lambda: '"level":"debug"' in log.read_text()[size:], "the gateway logs more", 10)
    assert "has no logger 'gatway'" in ctl("loglevel", sockets["gateway"], "debug", "--label", "gatway", code=4)
    assert "is no log level" in ctl("loglevel", "queue", "loud", code=64)


def test_a_click_is_one_trace_from_its_request_to_its_analyzer_and_each_change_is_logged_once(ctl, system):
    system.login()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    ctl("loglevel", f"unix:{ctl.run_folder}/worker.sock", "debug")
    playlist = system.http.get(system.url("/api/playlists")).json()["playlists"][0]
    song = system.http.get(system.url(f"/api/playlist/{playlist['id']}/songs")).json()["songs"][0]
    answer = system.http.post(
        system.url(f"/api/songs/{song['id']}/analyze"), json={"force": True},
        headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.headers["traceresponse"].split("-")[1] == trace
    job = answer.json()["job_id"]
    ctl("jobs", "watch", job)
    assert ctl.json("jobs", "show", job)["traceparent"].split("-")[1] == trace

    def lines(name: str) -> list[dict]:
        return [json.loads(line) for line in (system.data / f"log/{name}.log").read_text().splitlines() if line.startswith("{")]

    def changes() -> list[tuple]:
        return [
            (line.get("from"), line["to"]) for line in lines("queue")
            if line["logger"] == "queue-service.jobs" and line["job_id"] == job and line["trace_id"] == trace]

    wait_until(lambda: ("in_progress", "completed") in changes(), "the end is logged", 10)
    assert changes() == [(None, "pending"), ("pending", "in_progress"), ("in_progress", "completed")]
    assert any(line["message"] == "analysing" and line.get("trace_id") == trace for line in lines("worker"))
    password = system.ready["password"]
    session = system.http.cookies.get_dict().values()
    for name in ("queue", "progress", "worker", "gateway"):
        text = (system.data / f"log/{name}.log").read_text()
        assert password not in text and not any(value in text for value in session)


def test_exit_codes_say_what_was_wrong(ctl, system, tmp_path):
    assert "0-999" in ctl("jobs", "show", "0-999", code=6)
    assert "at least 1" in ctl("jobs", "list", "--limit", "0", code=64)
    ctl("status", "--nonsense", code=64)
    nowhere = f"unix:{tmp_path}/nothing.sock"
    assert "is the service running" in ctl("status", "--queue", nowhere, "--timeout", "1", code=5)
    assert "begins with 'x'" in ctl("workers", "show", "x", code=6)


def on_terminal(ctl, *words: str) -> str:
    """What a command shows on a terminal: its output and its errors as they are drawn."""
    terminal, side = pty.openpty()
    with subprocess.Popen([BIN / "analysisctl", *words], stdout=side, stderr=side, env=ctl.environment) as process:
        os.close(side)
        seen = b""
        # Linux ends a terminal that nobody has open any more with an error.
        with contextlib.suppress(OSError):
            while part := os.read(terminal, 65536):
                seen += part
        os.close(terminal)
    assert process.returncode == 0, seen
    return seen.decode().replace("\r\n", "\n")


def test_people_see_heads_and_columns_where_scripts_get_tabs(ctl, system):
    user = system.ready["user"]
    for words, head in ((("library", "list", "--user", user), "PLAYLIST  "), (("eta",), "DONE  ")):
        rows = [[cell for cell in line.split("\t") if cell] for line in ctl(*words).splitlines()]
        heads, *shown = on_terminal(ctl, *words).splitlines()
        assert rows and heads.startswith(head)
        assert [re.split(r"  +", line) for line in shown] == rows


def test_top_redraws_on_a_terminal_and_ends_with_q(ctl, system):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(BIN / "analysisctl", ["analysisctl", "top"], ctl.environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    seen = ""

    def read_until(text: str):
        nonlocal seen
        deadline = time.monotonic() + 30
        while text not in seen:
            assert select.select([terminal], [], [], deadline - time.monotonic())[0], f"{text!r} is not in {seen!r}"
            seen += os.read(terminal, 65536).decode(errors="replace")

    read_until("WORKERS")
    seen = ""
    ctl("queue", "pause", "--reason", "seen in top")
    read_until("seen in top")
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 4, 20, 0, 0))
    os.write(terminal, b"q")
    read_until("\x1b[?1049l")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    ctl("queue", "resume")


def test_no_command_is_without_a_test(ran):
    """Runs last, and alone it has nothing to look at."""
    if not ran:
        pytest.skip("no other test of this file was run")
    tests = "".join(file.read_text() for file in pathlib.Path(__file__).parent.glob("test_*.py"))
    elsewhere = {name for name in COMMANDS if ", ".join(f'"{word}"' for word in name.split()) in tests}
    # These two are short for their `list`.
    assert set(COMMANDS) - ran - elsewhere <= {"workers", "lanes"}, "commands that no test runs"
