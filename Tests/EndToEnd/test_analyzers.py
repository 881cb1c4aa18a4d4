"""Songs go through the built-in analysis and a site's own, in the order in which they are enabled."""

import pathlib
import shlex
import shutil
import subprocess
import sys

from analysis.v1 import jobs_pb2

from log import EventLog
from system import BIN, ROOT

EXAMPLE = ROOT / "clients/python/examples/compression_analyzer.py"


def music_of(songs: list[pathlib.Path], folder: pathlib.Path) -> pathlib.Path:
    """A music folder of the shortest songs, as one playlist."""
    (folder / "Short").mkdir(parents=True)
    for song in songs[-3:]:
        shutil.copy(song, folder / "Short")
    return folder


def test_every_song_has_the_results_of_the_built_in_analyzer_and_of_the_sites_own(start, songs, tmp_path):
    music = music_of(songs, tmp_path / "music")
    system = start(
        music, ANALYSIS_ANALYZER=f"compression={shlex.quote(sys.executable)} {shlex.quote(str(EXAMPLE))}",
        ANALYSIS_ANALYZERS="audio@1,compression@1")
    log = EventLog(system)
    system.login()
    log.wait(lambda e: e.kind == "COMPLETED" and e.job.type == jobs_pb2.JOB_TYPE_BACKGROUND)
    [playlist] = system.playlists()
    listed = system.songs(playlist)
    assert len(listed) == 3 and not log.of("SONG_FAILED")
    for song in listed:
        detail = system.get(f"/api/song/{song['id']}/analysis")
        analysis, size = detail["analysis"], (music / detail["song"]["location"]).stat().st_size
        assert analysis["status"] == "completed"
        assert analysis["analysis_details"]["tempo"], "what the built-in analyzer found"
        [own] = analysis["further_results"]
        assert (own["analyzer"], own["version"]) == ("compression", "1")
        expected = 8000 * size / detail["song"]["duration_ms"]
        assert abs(own["details"]["bits_per_second"] - expected) <= 1
        # The verdict that the page shows is the site's.
        assert (analysis["score"], analysis["concern_level"]) == (own["details"]["score"], own["details"]["concern_level"])


FRAIL = """
import os, pathlib, sys
from analysisqueue.analyzer import serve

def analyze(song, path, progress):
    if pathlib.Path(sys.argv[1]).exists():
        os._exit(1)
    return {"score": 50}

serve("frail", "1", analyze)
"""


def test_no_song_is_burned_while_an_analyzer_is_broken(start, songs, tmp_path):
    program, broken = tmp_path / "frail.py", tmp_path / "broken"
    program.write_text(FRAIL)
    broken.touch()
    command = shlex.join([sys.executable, str(program), str(broken)])
    system = start(
        music_of(songs, tmp_path / "music"), ANALYSIS_ANALYZER=f"frail={command}", ANALYSIS_ANALYZERS="audio@1,frail@1",
        ANALYSIS_BREAKER_SONGS="3", ANALYSIS_BREAKER_PROBE_MS="500", ANALYSIS_RETRY_BASE_MS="100")
    log = EventLog(system)
    system.login()
    opened = log.wait(lambda e: e.kind == "BREAKER_OPENED")
    assert opened.analyzer == "frail"
    retries = len(log.of("SONG_RETRY"))
    # It is tried again and again, more often than a song has attempts.
    log.wait(lambda e: e.kind == "SONG_RETRY" and len(log.of("SONG_RETRY")) >= retries + 4)
    status = subprocess.run(
        [BIN / "analysisctl", "status", "--queue", f"unix:{system.ready['sockets']['queue']}"],
        capture_output=True, text=True, check=True)
    assert "analyzer frail fails on lane 0: " in status.stdout, status

    broken.unlink()
    job = log.wait(lambda e: e.kind == "COMPLETED" and e.job.type == jobs_pb2.JOB_TYPE_BACKGROUND).job
    assert (job.analysed, job.failed) == (3, 0)
    assert log.of("BREAKER_CLOSED") and not log.of("SONG_FAILED")
