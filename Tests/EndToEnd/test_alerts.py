"""What is wrong reaches people: as alerts in the API and the page, and as signed webhooks, once each."""

import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import queue
import signal
import subprocess
import threading
import time

import pytest

from browser import Page, browser  # noqa: F401: a fixture
from system import BIN, TIMEOUT, wait_until

SECRETS = {"/first": b"the first one's secret", "/second": b"the second one's secret"}


class Receiver:
    """A site's webhook: keeps what comes, and answers 500 to whatever comes first to each path."""

    def __init__(self):
        self.events = {path: queue.Queue() for path in SECRETS}
        self.refused = {path: [] for path in SECRETS}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = outer.verified(self.path, self.headers, body)
                if not outer.refused[self.path]:
                    outer.refused[self.path].append(event)
                    self.send_response(500)
                else:
                    outer.events[self.path].put(event)
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    @staticmethod
    def verified(path: str, headers, body: bytes) -> dict:
        """As docs/operations.md tells receivers to."""
        name, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        assert abs(time.time() - int(stamp)) < 300
        code = hmac.new(SECRETS[path], f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
        assert any(hmac.compare_digest(each, "v1," + base64.b64encode(code).decode()) for each in headers["webhook-signature"].split())
        return {"name": name, **json.loads(body)}

    def next(self, path: str, type: str, kind: str) -> dict:
        """The next of its kind; whatever else comes is another alert's."""
        while True:
            event = self.events[path].get(timeout=TIMEOUT)
            if (event["type"], event["data"]["kind"]) == (type, kind):
                return event

    def rest(self, path: str) -> list[dict]:
        with contextlib.suppress(queue.Empty):
            return [self.events[path].get_nowait()] + self.rest(path)
        return []


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()


@pytest.fixture
def system(start, library, receiver, tmp_path):
    environment = {"ANALYSIS_ALERT_HOLD_SECONDS": "1", "ANALYSIS_ESCALATION_MINUTES": "0"}
    for path, flag in {"/first": "ALERT_WEBHOOK", "/second": "ESCALATION_WEBHOOK"}.items():
        secret = tmp_path / path[1:]
        secret.write_bytes(SECRETS[path] + b"\n")
        environment |= {f"ANALYSIS_{flag}": receiver.url(path), f"ANALYSIS_{flag}_SECRET_FILE": str(secret)}
    system = start(library, **environment)
    system.login()
    return system


def active(system) -> list[dict]:
    return system.get("/api/admin/alerts")["active"]


def ctl(system, *arguments: str) -> str:
    command = [BIN / "analysisctl", *arguments, "--queue", f"unix:{system.ready['sockets']['queue']}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


def test_a_lost_worker_is_told_once_and_when_it_is_back(browser, system, receiver):
    page = Page(browser, system)
    page.sign_in()
    page.open("/#/admin/alerts")
    page.find(".empty-title", "All is well")
    worker = system.ready["pids"]["worker"]
    # One that is killed would be started again at once.
    os.kill(worker, signal.SIGSTOP)
    try:
        page.find(".alert h2", "No worker is connected")
        page.find(".alert .badge", "Critical")
        page.find(".alerts-badge", "1")
        raised = receiver.next("/first", "alert.raised", "no_worker")
        escalated = receiver.next("/second", "alert.escalated", "no_worker")
        # The first answer to each was a 500: it is the same event that came again.
        assert [event["name"] for event in receiver.refused["/first"]] == [raised["name"]]
        assert [event["name"] for event in receiver.refused["/second"]] == [escalated["name"]]
        [alert] = active(system)
        assert alert["id"] == raised["data"]["id"] == escalated["data"]["id"] and alert["severity"] == "critical"
        assert "No worker is connected" in ctl(system, "alerts", "list")

        page.click(".alert button", "Acknowledge")
        page.find(".alert .detail", "looks after it")
        [alert] = active(system)
        assert alert["acknowledged_by"] == system.ready["user"] and alert["acknowledged_at"]
        # Who comes later changes nothing.
        assert system.ready["user"] in ctl(system, "alerts", "acknowledge", alert["id"], "--note", "me too")
    finally:
        system.kill("worker")
    page.find(".empty-title", "All is well")
    page.find("#past-alerts")
    cleared = receiver.next("/first", "alert.cleared", "no_worker")
    assert cleared["data"]["id"] == alert["id"] and cleared["data"]["cleared_at"]
    receiver.next("/second", "alert.cleared", "no_worker")
    assert [past["id"] for past in system.get("/api/admin/alerts")["past"]] == [alert["id"]]
    assert receiver.rest("/first") == [] and receiver.rest("/second") == []
    entries = system.get("/api/admin/audit")["entries"]
    acknowledged = [entry for entry in entries if entry["action"] == "Alerts/AcknowledgeAlert"]
    assert [entry["actor"] == system.ready["user"] for entry in acknowledged] == [False, True]
    assert "AcknowledgeAlert" in ctl(system, "audit")
    page.click("nav a", "Audit")
    page.find("td", "Acknowledge alert")
    assert page.problems() == []


def test_a_redis_that_is_away_is_told_without_it(system, receiver):
    redis = system.ready["pids"]["redis"]
    os.kill(redis, signal.SIGSTOP)
    try:
        raised = receiver.next("/first", "alert.raised", "redis_away")
        receiver.next("/second", "alert.escalated", "redis_away")
    finally:
        os.kill(redis, signal.SIGCONT)
    cleared = receiver.next("/first", "alert.cleared", "redis_away")
    assert cleared["data"]["id"] == raised["data"]["id"]
    wait_until(
        lambda: any(past["id"] == raised["data"]["id"] for past in system.get("/api/admin/alerts")["past"]),
        "Redis knows that it was away")


def test_an_address_that_is_none_of_http_is_refused_at_the_start(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    command = [BIN / "queue-service", "--listen", f"unix:{tmp_path}/q", "--redis", f"unix:{tmp_path}/r"]
    for url in ["file:///etc/passwd", "ftp://alerts.example", "alerts.example", "http://user@alerts.example"]:
        done = subprocess.run(
            [*command, "--alert-webhook", url, "--alert-webhook-secret-file", secret], capture_output=True, text=True, timeout=30)
        assert done.returncode == 64 and "--alert-webhook" in done.stderr, done.stderr
    done = subprocess.run(
        [*command, "--alert-webhook", "https://alerts.example", "--alert-webhook-secret-file", tmp_path / "none"],
        capture_output=True, text=True, timeout=30)
    assert done.returncode == 64 and "cannot be read" in done.stderr, done.stderr
