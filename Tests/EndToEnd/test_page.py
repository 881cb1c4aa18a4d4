"""The web page in a real Chromium, as a listener uses it."""

import os
import pathlib
import subprocess

import pytest
from analysis.v1 import jobs_pb2
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from log import EventLog

# Where pictures of the page go; nowhere when not set.
PICTURES = os.environ.get("ANALYSIS_PICTURES")
HTML_TITLE = "<img src=x onerror=alert(1)> & <b>bold</b>"


@pytest.fixture
def browser():
    options = webdriver.ChromeOptions()
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture
def library(library, songs):
    """One more song, with a title full of HTML."""
    folder = library / "List 5"
    folder.mkdir()
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", songs[-1], "-map_metadata", "-1", "-metadata", f"title={HTML_TITLE}", "-metadata",
         "artist=<script>alert(2)</script>", folder / "hostile.ogg"], check=True, stdin=subprocess.DEVNULL)
    return library


class Page:
    def __init__(self, browser, system):
        self.browser, self.system = browser, system
        self.wait = WebDriverWait(browser, 60, poll_frequency=0.05)

    def find(self, css: str, text: str = ""):
        """The first visible element that fits, as soon as there is one."""
        def visible(browser):
            # One step inside the page: its lists change while they are read.
            return browser.execute_script(
                "return [...document.querySelectorAll(arguments[0])].find((node) =>"
                " node.checkVisibility() && node.textContent.includes(arguments[1]))", css, text)
        return self.wait.until(visible, f"{css} with “{text}”")

    def sign_in(self):
        self.browser.get(self.system.url("/"))
        self.find("#user").send_keys(self.system.ready["user"])
        self.find("#password").send_keys(self.system.ready["password"], Keys.ENTER)
        self.find("#library-title")

    def picture(self, name: str):
        if PICTURES:
            pathlib.Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.browser.save_screenshot(str(pathlib.Path(PICTURES, f"{name}.png")))

    def problems(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def test_clicks_on_the_page_come_first_and_results_appear_by_themselves(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    background = log.wait(lambda e: e.kind == "STARTED" and e.job.type == jobs_pb2.JOB_TYPE_BACKGROUND).job.id
    page.find(".job [role=progressbar]")
    page.picture("dashboard")

    page.find(".playlist-card button[aria-label='Analyse List 3']").click()
    playlist = log.wait(lambda e: e.kind == "STARTED" and e.job.type == jobs_pb2.JOB_TYPE_PLAYLIST).job.id
    page.find(".job[data-tone=medium] h3", "List 3")
    page.picture("playlist-displaces-background")

    page.find(".playlist-card a", "List 2").click()
    page.find("h1", "List 2")
    page.find("tr button[aria-label^='Analyse ']").click()
    song = log.wait(lambda e: e.kind == "STARTED" and e.job.type == jobs_pb2.JOB_TYPE_SONG)
    page.picture("song-displaces-playlist")
    log.wait(lambda e: e.kind == "INTERRUPTED" and e.job.id == playlist and e.by_job_id == song.job.id)
    page.find("tr[data-state=completed] .tempo")

    # The song's own page shows what was found, without a reload.
    browser.get(system.url(f"/#/song/{song.song_id}"))
    page.find("dt, th, h2, h3", "Tempo")
    page.picture("song")
    browser.refresh()
    page.find("dt, th, h2, h3", "Tempo")

    browser.get(system.url("/#/"))
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == background)
    page.find(".library .lead", "13 of 13 songs analysed")
    page.picture("done")
    assert page.problems() == []


def test_a_title_full_of_html_is_only_text(browser, system):
    page = Page(browser, system)
    page.sign_in()
    page.find(".playlist-card a", "List 5").click()
    assert page.find(".title a", "onerror").text == HTML_TITLE
    assert page.problems() == []


def test_a_phone_shows_everything_without_sideways_scrolling(browser, system):
    browser.set_window_size(500, 900)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True})
    page = Page(browser, system)
    page.sign_in()
    page.find(".playlist-card a", "List 1")
    for name, path in [("phone-dashboard", "#/"), ("phone-playlist", None)]:
        if path is None:
            page.find(".playlist-card a", "List 1").click()
            page.find(".title a")
        page.picture(name)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390, name
    assert page.problems() == []


def test_the_page_goes_on_by_itself_when_the_gateway_comes_back(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    background = log.wait(lambda e: e.kind == "STARTED").job.id
    page.find("#connection", "Live")
    system.kill("gateway")
    page.find("#connection", "Live")
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == background)
    page.find(".library .lead", "13 of 13 songs analysed")


def test_the_keyboard_alone_signs_in_and_asks_for_a_playlist(browser, system):
    log = EventLog(system)
    browser.get(system.url("/"))
    page = Page(browser, system)
    page.find("#user")
    keys = webdriver.ActionChains(browser)
    keys.send_keys(system.ready["user"], Keys.TAB, system.ready["password"], Keys.ENTER).perform()
    page.find(".playlist-card button")
    for _ in range(60):
        webdriver.ActionChains(browser).send_keys(Keys.TAB).perform()
        label = browser.switch_to.active_element.get_attribute("aria-label") or ""
        if label.startswith("Analyse List"):
            break
    else:
        raise AssertionError("no button of a playlist was reached with the Tab key")
    webdriver.ActionChains(browser).send_keys(Keys.SPACE).perform()
    log.wait(lambda e: e.kind == "ENQUEUED" and e.job.type == jobs_pb2.JOB_TYPE_PLAYLIST)
