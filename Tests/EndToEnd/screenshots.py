#!/usr/bin/env python3
"""Takes the screenshots of docs/page.md from a running system, at desktop and phone width, in light and dark.

    .venv/bin/python Tests/EndToEnd/screenshots.py [FOLDER]

The folder is docs/screenshots where none is given. What deploy/run starts must have been built.
"""

import base64
import os
import pathlib
import shutil
import signal
import sys
import tempfile

from analysis.v1 import jobs_pb2

from browser import Page, chromium
from log import EventLog
from system import ROOT, System, default_songs

SIZES = {
    "desktop": {"width": 1280, "height": 860, "deviceScaleFactor": 1, "mobile": False},
    "phone": {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
}
LISTS = ["Road trip", "Evening", "Workout", "Discoveries"]


class Album:
    def __init__(self, page: Page, folder: pathlib.Path):
        self.page, self.folder = page, folder
        folder.mkdir(parents=True, exist_ok=True)

    def shoot(self, name: str, path: str, *content: str, then: str = ""):
        """The view at an address once it shows its content, whole at desktop width, a screenful on a phone."""
        for size, metrics in SIZES.items():
            for scheme in ["light", "dark"]:
                self.page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
                # Without motion, nothing is caught half-way.
                features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
                self.page.browser.execute_cdp_cmd(
                    "Emulation.setEmulatedMedia", {"features": [{"name": name, "value": value} for name, value in features.items()]})
                # From one view to the same, a browser does not load.
                self.page.browser.get("about:blank")
                self.page.open(f"/#/{path}")
                self.page.find(*content)
                # Nobody is signed in where one does.
                if name != "sign-in":
                    self.page.find("#connection[data-state=live]", "Live")
                if then:
                    self.page.click(then)
                    self.page.find(".timeline li")
                image = self.page.browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 82})
                (self.folder / f"{name}-{size}-{scheme}.webp").write_bytes(base64.b64decode(image["data"]))


def library(root: pathlib.Path, songs: list[pathlib.Path]) -> pathlib.Path:
    for number, song in enumerate(songs[:36]):
        folder = root / LISTS[number % len(LISTS)]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(song, folder / song.name)
    (root / LISTS[3] / "Unfinished recording.ogg").write_bytes(b"no music at all " * 1000)
    return root


def take(system: System, browser, folder: pathlib.Path):
    page = Page(browser, system)
    album = Album(page, folder)
    album.shoot("sign-in", "", "#user")
    log = EventLog(system)
    page.sign_in()
    system.login()
    background = log.wait(lambda e: e.kind == "SONG_ANALYSED").job.id
    page.click(f".playlist-card button[aria-label='Analyse {LISTS[1]}']")
    log.wait(lambda e: e.kind == "STARTED" and e.job.type == jobs_pb2.JOB_TYPE_PLAYLIST)
    album.shoot("library", "", ".job[data-status=in_progress] .figure")
    album.shoot("administration", "admin", ".job[data-tone=medium] h3")
    album.shoot("workers", "admin/workers", ".figures-table td")
    ended = log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == background, timeout=600)
    album.shoot("playlist", f"playlist/{system.playlists()[2]['id']}", "td.tempo", "BPM")
    song = log.wait(lambda e: e.kind == "SONG_ANALYSED" and e.job.type == jobs_pb2.JOB_TYPE_PLAYLIST).song_id
    album.shoot("song", f"song/{song}", "dt", "Tempo")
    album.shoot("insights", "insights", "dt", "Median tempo")
    album.shoot("history", "history", ".past h2", then=".past summary[aria-label^='What happened: Everything']")
    album.shoot("preferences", "preferences", "h2", "Password")
    album.shoot("job", f"admin/job/{ended.job.id}", ".timeline li")
    worker = system.ready["pids"]["worker"]
    os.kill(worker, signal.SIGSTOP)
    album.shoot("alerts", "admin/alerts", ".alert h2", "No worker is connected")
    os.kill(worker, signal.SIGCONT)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/screenshots"
    with tempfile.TemporaryDirectory(prefix="s") as scratch, chromium() as browser:
        root = pathlib.Path(scratch)
        system = System(library(root / "music", default_songs(root)), root / "d", {"ANALYSIS_ALERT_HOLD_SECONDS": "1"})
        try:
            system.start()
            take(system, browser, folder)
        finally:
            system.stop()


if __name__ == "__main__":
    main()
