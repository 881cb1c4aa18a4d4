"""What the page shows where something is not there yet, cannot be had, or is there twice."""

import shutil

from browser import Page, browser  # noqa: F401: a fixture
from log import EventLog
from system import wait_until
from test_twins import ffmpeg


def test_a_song_names_the_same_music_in_other_files(browser, start, songs, tmp_path):
    music = tmp_path / "music/Same"
    music.mkdir(parents=True)
    ffmpeg("-i", songs[2], "-t", 75, "-map_metadata", "-1", music / "original.flac")
    ffmpeg("-i", songs[3], "-t", 75, "-map_metadata", "-1", music / "other.flac")
    shutil.copy(music / "original.flac", music / "copy.flac")
    ffmpeg("-i", music / "original.flac", "-c:a", "libopus", "-b:a", "48k", music / "encoded.opus")
    system = start(music.parent)
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    log.wait(lambda e: e.kind == "COMPLETED")
    page.click(".playlist-card a", "Same")
    page.click(".title a", "original")
    page.find("section[aria-label='The same music elsewhere'] h2")
    twins = page.script(
        "return Object.fromEntries([...document.querySelectorAll('.twins li')].map((twin) => [twin.querySelector('a').textContent,"
        " twin.querySelector('span').textContent]))")
    assert {name: note.split(" · ")[-1] for name, note in twins.items()} == {
        "copy": "the same, sample for sample", "encoded": "another encoding"}
    page.click(".twins a", "encoded")
    page.find("h1", "encoded")
    page.find(".twins a", "original")
    page.open("/#/")
    page.click(".playlist-card a", "Same")
    page.click(".title a", "other")
    page.find("dt", "Tempo")
    page.gone(".twins")
    assert page.problems() == []


def test_what_is_not_there_yet_says_so_and_what_to_do(browser, start, tmp_path):
    (tmp_path / "music").mkdir()
    system = start(tmp_path / "music")
    page = Page(browser, system)
    page.sign_in()
    page.find(".lead", "There is no music yet")
    page.find(".empty-title", "Nothing is being analysed")
    page.find(".empty-title", "There are no playlists yet")
    for path, said in {
        "insights": "", "history": "", "admin/failed": "No dead letters", "playlist/none": "There is no such playlist", "song/none": "There is no such song",
        "nowhere": "There is nothing at this address",
    }.items():
        page.open(f"/#/{path}")
        page.find(".empty-title", said)
        page.gone(".skeleton")
    # Only what was asked for and is not there.
    assert [problem for problem in page.problems() if "404" not in problem] == []


def test_a_playlist_that_is_removed_while_it_is_shown_cuts_no_tab_off(browser, system):
    system.login()
    page = Page(browser, system)
    page.sign_in()
    # An id that is not the same in a path and in a query.
    playlist = system.url("/api/library/playlists/late night")
    system.http.put(playlist, json={"name": "Late", "song_ids": []}, timeout=10).raise_for_status()
    page.open("/#/playlist/none")
    page.find(".empty-title", "There is no such playlist")
    page.open("/#/playlist/late%20night")
    page.find("h1", "Late")
    page.find("#connection[data-state=live]")
    watched = "return navigator.locks.query().then(({ held }) => held.map((lock) => lock.name).filter((name) => name.includes('playlist')))"
    wait_until(lambda: page.script(watched) == ["analysis playlist late night"], "the playlist is watched, and no other")
    system.http.delete(playlist, timeout=10).raise_for_status()
    with system.away("progress"):
        page.find("#connection[data-state=lost]")
    page.find("#connection:is([data-state=live], [data-state=polling])")
    page.open("/#/")
    wait_until(lambda: page.script(watched) == [], "nothing is watched")


def test_what_cannot_be_loaded_says_why_and_comes_when_asked_again(browser, system):
    page = Page(browser, system)
    page.sign_in()
    page.find(".playlist-card")
    # Its code is known from now on; what it shows is not.
    for path, content in {"history": ("h1", "History"), "preferences": ("h2", "Password"), "insights": ("h1", "Insights")}.items():
        page.open(f"/#/{path}")
        page.find(*content)
    page.open("/#/")
    page.find(".playlist-card")
    with system.away("queue"):
        for path in ["preferences", "history", "insights"]:
            page.open(f"/#/{path}")
            page.find("[role=alert] .empty-title", "This could not be loaded")
            page.find("[role=alert]", "away for a moment")
    wait_until(lambda: system.http.get(system.url("/api/health/ready"), timeout=10).ok, "the queue is back")
    page.click("[role=alert] button", "Try again")
    page.gone("[role=alert]")


def test_while_the_progress_is_away_the_page_says_how_old_it_is_and_goes_on_by_itself(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    page.find("#connection[data-state=live]")
    page.find(".job[data-status=in_progress]")
    with system.away("progress"):
        page.find("#connection[data-state=lost]", "last update")
        page.find(".job[data-status=in_progress]")
    page.find("#connection:is([data-state=live], [data-state=polling])", "Live")
    log.wait(lambda e: e.kind == "COMPLETED")
    page.find(".library .lead", "All 12 songs are analysed")
