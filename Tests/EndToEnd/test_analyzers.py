"""Songs go through the built-in analysis and a site's own, in the order in which they are enabled."""

import pathlib
import shlex
import shutil
import sys

from analysis.v1 import jobs_pb2

from log import EventLog
from system import ROOT

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
