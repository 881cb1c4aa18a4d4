"""What a running system tells Prometheus."""

import pathlib
import re
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest

from system import wait_until

ROOT = pathlib.Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
SERIES = re.compile(r"^([a-z_]+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? (\S+)$")

# Of what does not happen in a system that runs well for a minute.
SELDOM = {
    "analysis_rpc_server_errors_total", "analysis_rpc_client_errors_total", "analysis_redis_errors_total",
    "analysis_queue_priority_inversion_seconds_total", "analysis_queue_recovery_duration_seconds",
    "analysis_queue_workers_lost_total", "analysis_queue_expired_jobs_total", "analysis_queue_expired_results_total",
    "analysis_worker_song_failures_total", "analysis_ratings_total", "analysis_watching_seconds_total",
    "analysis_progress_eta_error_ratio", "analysis_http_event_streams",
}


def promtool(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess:
    tool = shutil.which("promtool") or pytest.fail("promtool is not there; Debian has it in the package prometheus")
    return subprocess.run([tool, *arguments], input=text, capture_output=True, text=True)


def scrape(system) -> str:
    with urllib.request.urlopen(system.url("/metrics"), timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return answer.read().decode()


def types(text: str) -> dict[str, str]:
    return dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))


def value(text: str, name: str, **labels: str) -> float:
    """The sum over all series with these labels."""
    total = 0.0
    for line in text.splitlines():
        if line.startswith(name + "{") and all(f'{label}="{wanted}"' in line for label, wanted in labels.items()):
            total += float(line.rsplit(" ", 1)[1])
    return total


def documented() -> dict[str, str]:
    page = (ROOT / "docs/metrics.md").read_text().split("## Families")[1]
    return {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.MULTILINE)}


def test_a_running_system_tells_what_the_documentation_lists(start, library):
    system = start(library)
    system.login()
    low, *_ = system.playlists()
    system.post(f"/api/playlists/{low['id']}/analyze")
    wait_until(lambda: value(scrape(system), "analysis_queue_jobs", state="in_progress") == 1, "an analysis")
    song = system.songs(system.playlists()[1])[0]
    system.post(f"/api/songs/{song['id']}/analyze", {"force": True})
    wait_until(lambda: value(scrape(system), "analysis_queue_preemption_duration_seconds_count") >= 1, "a preemption")
    wait_until(
        lambda: value(scrape(system), "analysis_queue_jobs_ended_total", type="song", outcome="completed") == 1, "the song")
    wait_until(lambda: value(scrape(system), "analysis_worker_song_duration_seconds_count", analyzer="audio") >= 1,
               "the worker's own metrics")
    wait_until(lambda: value(scrape(system), "analysis_worker_starts_total") >= 0
               and "analysis_worker_starts_total" in scrape(system), "the watch of the workers")

    text = scrape(system)
    checked = promtool("check", "metrics", text=text)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    for process in ("gateway", "queue-service", "progress-service", "analysis-worker"):
        assert value(text, "analysis_up", process=process) == 1
        assert value(text, "process_resident_memory_bytes", process=process) > 1e6
        assert value(text, "process_start_time_seconds", process=process) > 1.6e9
    assert value(text, "analysis_workers") == 1
    assert value(text, "analysis_queue_claims_total", **{"class": "high"}) == 1
    assert value(text, "analysis_queue_click_duration_seconds_bucket", le="2") == 1
    assert value(text, "analysis_redis_command_duration_seconds_count", process="queue-service") > 10

    told, listed = types(text), documented()
    assert {name: listed.get(name) for name in told} == told
    assert set(listed) - set(told) <= SELDOM


def test_a_service_that_does_not_answer_is_not_up_and_nothing_else_is_missing(start, library):
    system = start(library)
    with system.frozen("progress"):
        text = scrape(system)
    assert 'analysis_up{process="progress-service"} 0' in text
    assert value(text, "analysis_up", process="queue-service") == 1
    wait_until(lambda: value(scrape(system), "analysis_up", process="progress-service") == 1, "its answer")


def test_whoever_comes_through_a_proxy_reads_nothing(start, library):
    system = start(library)
    request = urllib.request.Request(system.url("/metrics"), headers={"X-Forwarded-For": "127.0.0.1"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)


def test_what_prometheus_is_given_is_well_formed():
    config = promtool("check", "config", "--syntax-only", str(PROMETHEUS / "prometheus.yml"))
    assert config.returncode == 0, config.stderr
    rules = promtool("check", "rules", "--lint-fatal", str(PROMETHEUS / "alerts.yml"))
    assert rules.returncode == 0, rules.stderr


def test_alerts_ask_for_families_that_there_are():
    text = (PROMETHEUS / "alerts.yml").read_text()
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\b((?:analysis|process)_[a-z_]+)", text)}
    assert asked and asked <= set(documented())
