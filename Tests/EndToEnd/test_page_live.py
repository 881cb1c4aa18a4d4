"""The page's stream: shared between tabs, back by itself, and done without where it is blocked."""

import pytest
from analysis.v1 import jobs_pb2

from browser import Page, browser  # noqa: F401: a fixture
from log import EventLog


COUNT_STREAMS = """
    const Real = window.EventSource;
    window.opened = [];
    window.EventSource = class extends Real { constructor(url) { super(url); window.opened.push(this); } };
"""


def test_the_page_goes_on_by_itself_when_the_gateway_comes_back(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    background = log.wait(lambda e: e.kind == "STARTED").job.id
    page.find("#connection", "Live")
    system.kill("gateway")
    page.find("#connection", "Live")
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == background)
    page.find(".library .lead", "All 12 songs are analysed")


def test_a_lost_connection_is_admitted_with_the_age_of_what_is_shown(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    log.wait(lambda e: e.kind == "STARTED")
    page.find("#connection", "Live")
    browser.set_network_conditions(offline=True, latency=0, throughput=-1)
    page.find("#connection", "Connection lost · last update")
    assert page.find("body[data-stale]")
    browser.delete_network_conditions()
    page.find("#connection[data-state=live]", "Live")
    page.gone("#connection", "last update")


def test_two_tabs_share_one_stream_and_the_second_takes_over(browser, system):
    page = Page(browser, system)
    page.sign_in()
    page.find("#connection[data-state=live]")
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNT_STREAMS})
    page.open("/#/")
    page.find("#connection[data-state=live]")
    page.find(".library .lead", "songs")
    assert page.script("return window.opened.length") == 0
    # A playlist that only the second tab shows comes with the first one's stream.
    page.find(".playlist-card a", "List 2").click()
    page.find("h1", "List 2")
    page.click("button.primary", "Analyse")
    page.find(".job[data-tone=medium]")
    assert page.script("return window.opened.length") == 0

    second = browser.current_window_handle
    browser.switch_to.window(first)
    page.find(".job[data-tone=medium]", "List 2")
    browser.close()
    browser.switch_to.window(second)
    page.wait.until(lambda _: page.script("return window.opened.some((stream) => stream.readyState === 1)"), "the second tab leads")
    page.find("#connection[data-state=live]")

    # Signing out in one tab is signing out in all.
    browser.switch_to.new_window("tab")
    page.open("/#/")
    page.find("#library-title")
    page.click("#sign-out")
    page.find("#user")
    browser.switch_to.window(second)
    page.find("#user")


def test_where_streams_are_blocked_the_page_asks_in_a_loop(browser, system):
    log = EventLog(system)
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/events*"]})
    page = Page(browser, system)
    page.sign_in()
    page.find("#connection[data-state=polling]", "Live")
    page.find(".job [role=progressbar]")
    page.click(".playlist-card button[aria-label='Analyse List 3']")
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.type == jobs_pb2.JOB_TYPE_PLAYLIST)
    page.find(".library .lead", "All 12 songs are analysed")


def test_bars_move_between_updates_and_never_backwards(browser, system):
    page = Page(browser, system)
    page.sign_in()
    page.find(".job[data-status=in_progress] .bar:not(.small) .bar-fill")
    shown = """
        const done = arguments[0];
        const seen = [];
        const look = () => {
          const fill = document.querySelector(".library .bar-fill");
          seen.push(Number(/scaleX\\((.*)\\)/.exec(fill.style.transform)?.[1] ?? 0));
          if (document.querySelector(".library .lead").textContent.startsWith("All ")) done(seen);
          else setTimeout(look, 100);
        };
        look();"""
    browser.set_script_timeout(120)
    seen = browser.execute_async_script(shown)
    assert seen == sorted(seen)
    assert len(set(seen)) > 12, "it moves more often than songs end"


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_end_of_a_library_is_celebrated_and_still_where_motion_is_not_wanted(browser, system, motion):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": motion}]})
    page = Page(browser, system)
    page.sign_in()
    # In one step: it is over after some seconds.
    animation = page.wait.until(lambda _: page.script(
        "const bar = document.querySelector('.library[data-celebrates] .bar-fill'); return bar && getComputedStyle(bar).animationName"))
    assert (animation != "none") == (motion == "no-preference")
    page.gone("[data-celebrates]")
    assert page.problems() == []


def test_background_work_is_told_of_once_however_many_batches_it_has(browser, start, library):
    system = start(library, ANALYSIS_BACKGROUND_BATCH="4")
    page = Page(browser, system)
    page.open()
    page.script("""
        window.told = [];
        new MutationObserver((changes) => {
          for (const { addedNodes } of changes) for (const node of addedNodes) window.told.push(node.dataset.message);
        }).observe(document.getElementById("toasts"), { childList: true });
    """)
    page.find("#user").send_keys(system.ready["user"])
    page.find("#password").send_keys(system.ready["password"] + "\n")
    page.find(".library .lead", "All 12 songs are analysed")
    page.find(".toast.good", "Finished your library: 12 analysed")
    told = page.script("return window.told")
    assert len([text for text in told if text.startswith("Finished your library")]) == 1
    # It may have begun before the page could hear of it.
    assert len([text for text in told if text.startswith("Analysing your library")]) <= 1
    system.login()
    assert [each["message"] for each in system.get("/api/notifications")["notifications"]] == ["Your library has been gone through"]
    page.open("/#/history")
    page.find("h2", "Everything not analysed yet, part 3")
    assert page.problems() == []
