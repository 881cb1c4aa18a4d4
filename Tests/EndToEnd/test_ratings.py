"""What users say of their jobs, and for how long they watch progress: in the page, for administrators, and in the metrics."""

import json
import subprocess

from browser import Page, browser  # noqa: F401: a fixture
from log import EventLog
from system import BIN, wait_until
from test_metrics import scrape, value


def test_a_user_rates_what_ran_and_administrators_read_it(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    page.click(".playlist-card button[aria-label='Analyse List 3']")
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.type == 2)
    page.click("nav a", "History")
    page.click("button.thumb[aria-label='Good: List 3']")
    page.find("button.thumb[aria-label='Good: List 3'][aria-pressed=true]")
    field = page.find(".rating-comment input")
    field.send_keys("It knew <b>every</b> key")
    page.click(".rating-comment button", "Send")
    page.find(".rating [role=status]", "It knew <b>every</b> key")
    rated = log.wait(lambda e: e.kind == "RATED" and e.reason)

    system.login()
    job = next(job for job in system.get("/api/history")["jobs"] if job["job_id"] == rated.job.id)
    assert (job["rating"]["thumb"], job["rating"]["comment"]) == ("up", "It knew <b>every</b> key")
    assert [job["job_id"] for job in system.get("/api/admin/ratings")["jobs"]] == [rated.job.id]
    page.click("nav a", "Admin")
    page.click(".tabs a", "Throughput")
    page.find(".said li", "“It knew <b>every</b> key”")
    page.find(".figure-box", "Thumbs up")
    wait_until(lambda: value(scrape(system), "analysis_ratings_total", thumb="up") == 1, "the rating is counted")

    page.click("nav a", "History")
    page.click("button.thumb[aria-label='Good: List 3'][aria-pressed=true]")
    page.find("button.thumb[aria-label='Good: List 3'][aria-pressed=false]")
    assert system.get("/api/admin/ratings")["jobs"] == []
    assert page.problems() == []


def test_a_rating_is_the_users_alone_and_leaves_with_them(system):
    log = EventLog(system)
    system.login()
    ended = log.wait(lambda e: e.kind == "COMPLETED").job.id
    path = f"/api/history/{ended}/rating"
    answer = system.http.put(system.url(path), json={"thumb": "down", "comment": "\u00fcber"}, timeout=30)
    assert answer.status_code == 200, answer.text
    for body, problem in [({"thumb": "up", "comment": "a" * 1001}, "1001 characters"), ({"thumb": "sideways"}, "thumb")]:
        refused = system.http.put(system.url(path), json=body, timeout=30)
        assert refused.status_code == 400 and problem in refused.json()["message"]
    assert system.http.put(system.url("/api/history/0-9999/rating"), json={"thumb": "up"}, timeout=30).status_code == 404
    assert system.http.delete(system.url("/api/history/0-9999/rating"), timeout=30).status_code == 404
    lines = [json.loads(line) for line in system.http.get(system.url("/api/me/export"), timeout=30).text.splitlines()]
    assert [line["rating"] for line in lines if line["kind"] == "job" and line["rating"]] == [{"thumb": "down", "comment": "\u00fcber"}]
    subprocess.run(
        [BIN / "analysisctl", "verify", "--queue", f"unix:{system.ready['sockets']['queue']}"], check=True, capture_output=True, timeout=60)


def test_watching_is_counted_for_those_alone_who_let_it(browser, system):
    page = Page(browser, system)
    page.sign_in()
    system.login()
    watched = lambda: system.get("/api/admin/statistics?days=2")["figures"]["watched_seconds"]  # noqa: E731
    report = lambda: system.http.post(system.url("/api/watching"), json={"seconds": 30}, timeout=30).json()["counted"]  # noqa: E731
    assert not report() and watched() == 0
    page.click("nav a", "Preferences")
    page.click("label", "Count how long I watch progress")
    page.find(".outcome", "Saved")
    assert report() and watched() == 30
    # The page tells it once it is left, for as long as something ran before the user's eyes.
    page.click("nav a", "Library")
    page.script("window.told = []; const real = fetch; window.fetch = (path, ...rest) => { if (path === '/api/watching') told.push(path); return real(path, ...rest); }")
    playlist = system.playlists()[0]
    system.post(f"/api/playlists/{playlist['id']}/reanalyze-all")
    page.find(".job[data-tone]")

    def told():
        page.script("Object.defineProperty(document, 'hidden', { value: true, configurable: true }); document.dispatchEvent(new Event('visibilitychange'));"
                    "Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
        return page.script("return told.length") > 0

    wait_until(told, "the page reports")
    wait_until(lambda: watched() > 30, "it is counted")
    assert value(scrape(system), "analysis_watching_seconds_total") == watched()
