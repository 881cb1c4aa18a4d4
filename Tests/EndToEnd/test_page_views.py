"""The views beside the library, in a real Chromium: preferences, history, insights and administration."""

import pytest
import requests
from analysis.v1 import jobs_pb2
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from browser import Page, browser  # noqa: F401: a fixture
from log import EventLog
from system import wait_until


@pytest.fixture
def library(library):
    """One more playlist, of which the only song is none."""
    folder = library / "List 5"
    folder.mkdir()
    (folder / "broken.ogg").write_bytes(b"no music at all " * 1000)
    return library


def choose(page: Page, css: str, text: str):
    Select(page.find(css)).select_by_visible_text(text)


def test_preferences_are_kept_and_obeyed(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    background = log.wait(lambda e: e.kind == "STARTED").job.id
    page.click("nav a", "Preferences")
    page.click("label", "Analyse everything new when I sign in")
    log.wait(lambda e: e.kind == "CANCELLED" and e.job.id == background)
    page.click("label", "An analysis is done")
    page.find(".outcome", "Saved")
    page.click("label", "Dark")
    page.wait.until(lambda _: page.script("return document.documentElement.dataset.theme") == "dark")
    page.click("button", "Add quiet hours")
    page.click(".day input[aria-label=Sunday]")
    page.click("button", "Add off-peak hours")
    system.login()
    wait_until(lambda: system.get("/api/preferences")["preferences"]["off_peak"], "all is saved")
    # What cannot be saved says why, and stays to be mended.
    page.script("const zone = document.querySelector('#time-zone'); zone.append(new Option('Atlantis', 'Europe/Atlantis'));"
                " zone.value = 'Europe/Atlantis'; zone.dispatchEvent(new Event('change'))")
    page.find(".outcome.problem", "Europe/Atlantis")

    kept = system.get("/api/preferences")["preferences"]
    assert kept["quiet_hours"] == ["Mon,Tue,Wed,Thu,Fri,Sat 22:00-06:00"] and kept["time_zone"] == ""
    assert kept["off_peak"] == ["22:00-06:00"]
    assert kept["theme"] == "dark" and kept["auto_analysis"] is False
    assert [kind for kind, wanted in kept["notifications"].items() if not wanted] == ["completed"]
    browser.refresh()
    page.find(".window .day")
    assert page.script("return document.documentElement.dataset.theme") == "dark"
    assert not page.find("label.choice", "An analysis is done").find_element("css selector", "input").is_selected()

    # The end of the first song would have been told before the beginning of the second.
    playlist = next(each for each in system.playlists() if each["song_count"] - each["analyzed_count"] >= 2)
    first, second = [song for song in system.songs(playlist) if song["analysis_status"] == "pending"][:2]
    page.click("nav a", "Library")
    page.click(".playlist-card a", playlist["name"])
    page.click(f"button[aria-label='Analyse {first['name']}']")
    page.find(".toast", f"Analysing “{first['name']}”")
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.target_id == str(first["id"]))
    page.click(f"button[aria-label='Analyse {second['name']}']")
    page.find(".toast", f"Analysing “{second['name']}”")
    assert page.script("return document.querySelectorAll('.toast.good').length") == 0
    assert page.problems()[1:] == [], "only the time zone was refused"


def test_history_tells_what_came_between_and_tries_again_and_insights_what_was_found(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    background = log.wait(lambda e: e.kind == "STARTED").job.id
    page.click(".playlist-card button[aria-label='Analyse List 3']")
    log.wait(lambda e: e.kind == "INTERRUPTED" and e.job.id == background)
    page.click(".playlist-card button[aria-label='Analyse List 5']")
    failed = log.wait(lambda e: e.kind == "FAILED" and e.job.type == jobs_pb2.JOB_TYPE_PLAYLIST)
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == background)

    page.click("nav a", "History")
    page.find(".past h2", "List 3")
    page.find(".past .badge", "Done, 1 failed")
    page.click(".past summary[aria-label^='What happened: Everything']")
    page.find(".timeline li[data-kind=interrupted]", "for “List 3”")
    page.find(".failures li", "broken")
    choose(page, "select[aria-label='How it ended']", "Failed")
    page.gone(".past h2", "List 3")
    page.find(".past[data-tone=bad] h2", "List 5")
    page.click("button[aria-label='Retry: List 5']")
    log.wait(lambda e: e.kind == "REPLAYED" and e.job.id == failed.job.id)

    page.click("nav a", "Insights")
    page.find(".lead", "12 of 13 songs analysed")
    page.find("dt", "Median tempo")
    page.find("svg.chart[aria-label^='Songs by tempo']")
    page.find("svg.chart[aria-label^='Songs by loudness']")
    page.find("svg.key-wheel[aria-label^='Songs by key'] .some")
    page.find("svg.chart[aria-label^='12 songs of 13 were analysed between']")
    assert page.problems() == []


def test_an_administrator_pauses_replays_and_looks_after_users(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    log.wait(lambda e: e.kind == "STARTED")
    page.click("nav a", "Admin")
    page.find(".job[data-tone=low] h3", "The library of demo")
    page.find("#pause-reason").send_keys("A new disk")
    page.click("label", "Freeze what runs, too")
    page.click("button", "Pause the queue")
    log.wait(lambda e: e.kind == "QUEUE_PAUSED")
    page.find(".notice", "The queue is paused, since just now: A new disk")
    system.login()
    broken = next(playlist for playlist in system.playlists() if playlist["name"] == "List 5")
    job = system.post(f"/api/playlists/{broken['id']}/analyze")["job_id"]
    page.find(".card.line", "“List 5” of demo")
    page.click("button", "Resume the queue")
    log.wait(lambda e: e.kind == "FAILED" and e.job.id == job)

    page.click("nav a", "Dead letters")
    page.click(".job h2 a", "List 5")
    page.find(".timeline li[data-kind=song_failed]", "broken")
    page.click("nav a", "Dead letters")
    page.click("button[aria-label='Replay “List 5” of demo']")
    log.wait(lambda e: e.kind == "REPLAYED" and e.job.id == job)
    page.click("nav a", "Throughput")
    page.find(".figures .value", "song")
    page.click("nav a", "Workers")
    page.find(".figures-table td", " for ")

    page.click("nav a", "Users")
    page.find("#new-user").send_keys("ann")
    page.find("#new-user-password").send_keys("a secret of ann", Keys.ENTER)
    page.find(".card.line strong", "ann")
    ann = requests.Session()
    ann.post(system.url("/api/login"), json={"user": "ann", "password": "a secret of ann"}, timeout=30).raise_for_status()
    assert ann.get(system.url("/api/admin/queue"), timeout=30).status_code == 403
    choose(page, "select[aria-label='Role of ann']", "Administrator")
    page.find(".toast", "ann is an administrator now")
    page.wait.until(lambda _: ann.get(system.url("/api/admin/queue"), timeout=30).status_code == 200)
    page.click("button[aria-label='Remove ann']")
    page.click("dialog button", "Remove")
    page.gone(".card.line strong", "ann")
    assert not page.find("button[aria-label='Remove demo']").is_enabled()
    assert page.problems() == []


def test_a_listener_has_no_administration(browser, system):
    page = Page(browser, system)
    system.login()
    system.post("/api/admin/users", {"user": "ann", "password": "a secret of ann"})
    page.sign_in("ann", "a secret of ann")
    assert [link.text for link in browser.find_elements("css selector", "nav.views a")] == [
        "Library", "Insights", "History", "Preferences"]
    page.open("/#/admin/users")
    page.find(".empty-title", "There is nothing at this address")
    # A library without music says what to do, in every view.
    for path, text in [("", "There are no playlists yet"), ("insights", "There is nothing to see yet"), ("history", "Nothing has ended yet")]:
        page.open(f"/#/{path}")
        page.find(".empty-title", text)
    assert page.problems() == []
