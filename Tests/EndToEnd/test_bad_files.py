"""Files that are not what they seem fail with a reason that a person understands, and the job goes on."""

import hashlib
import shutil

from analysis.v1 import jobs_pb2

from log import EventLog

REASONS = {
    "a text.mp3": "not an audio file",
    "an empty.ogg": "empty",
    "a truncated.ogg": "damaged",
    "a missing.ogg": "exist",
    "a link out.ogg": "symbolic link",
}


def song_id(name: str) -> str:
    return "s" + hashlib.sha256(f"Mixed/{name}".encode()).hexdigest()[:12]


def test_each_bad_file_fails_alone_and_says_why(start, songs, tmp_path):
    music = tmp_path / "music/Mixed"
    music.mkdir(parents=True)
    oggs = [song for song in songs if song.suffix == ".ogg"]
    whole = oggs[-1].read_bytes()
    (music / "a text.mp3").write_text("These are words, and nothing that sounds.\n" * 100)
    (music / "an empty.ogg").touch()
    (music / "a truncated.ogg").write_bytes(whole[: len(whole) // 2])
    (music / "a missing.ogg").write_bytes(whole)
    (music / "a link out.ogg").write_bytes(oggs[-2].read_bytes())
    good = music / f"z good{songs[-1].suffix}"
    shutil.copy(songs[-1], good)
    system = start(music.parent)
    # Both were there when the folder was listed.
    (music / "a missing.ogg").unlink()
    (music / "a link out.ogg").unlink()
    (music / "a link out.ogg").symlink_to(oggs[-1])

    log = EventLog(system)
    system.login()
    job = log.wait(lambda e: e.kind == "COMPLETED" and e.job.type == jobs_pb2.JOB_TYPE_BACKGROUND).job
    [playlist] = system.playlists()
    failures = {e.song_id: e.reason for e in log.of("SONG_FAILED")}
    assert len(failures) == len(REASONS), failures
    for name, expected in REASONS.items():
        assert expected in failures[song_id(name)], name
    listed = {song["id"]: song for song in system.songs(playlist)}
    assert listed[song_id(good.name)]["analysis_status"] == "completed"
    status = system.get(f"/api/playlists/{playlist['id']}/analysis-status")
    assert status["detailed_status"] == {
        "completed": 1, "failed": len(REASONS), "pending": 0, "in_progress": 0}
    assert system.get(f"/api/jobs/{job.id}/status")["job"]["status"] == "COMPLETED"
