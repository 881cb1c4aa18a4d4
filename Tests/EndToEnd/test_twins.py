"""The same music twice: an identical file is credited without an analysis, another encoding is linked, other music is neither."""

import hashlib
import shutil
import subprocess

from analysis.v1.queue_pb2 import EnqueueRequest
from analysisqueue import Client, Queue

from log import EventLog

# What people have of one recording beside the original: name, arguments of ffmpeg.
ENCODINGS = {
    "low.mp3": ["-c:a", "libmp3lame", "-b:a", "64k"],
    "low.opus": ["-c:a", "libopus", "-b:a", "48k"],
    "quiet.flac": ["-af", "volume=-9dB", "-c:a", "flac"],
    "slow.wav": ["-ar", "22050"],
    "mono.ogg": ["-ac", "1", "-c:a", "libvorbis"],
    "late.flac": ["-af", "adelay=1500:all=1", "-c:a", "flac"],
}


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *map(str, arguments)], check=True)


def song_id(name: str) -> str:
    return "s" + hashlib.sha256(f"Same/{name}".encode()).hexdigest()[:12]


def enqueue(system, **wish):
    with Client(f"unix:{system.ready['sockets']['queue']}") as client:
        return Queue(client).Enqueue(EnqueueRequest(user_id=system.ready["user"], **wish), timeout=10).job


def test_identical_files_are_credited_and_other_encodings_linked(start, songs, tmp_path):
    music = tmp_path / "music/Same"
    music.mkdir(parents=True)
    for number, song in enumerate(songs[2:6]):
        ffmpeg("-i", song, "-t", 75, "-map_metadata", "-1", music / f"{number} original.flac")
    for number in range(2):
        original = music / f"{number} original.flac"
        shutil.copy(original, music / f"{number} copy.flac")
        for name, arguments in ENCODINGS.items():
            ffmpeg("-i", original, *arguments, music / f"{number} {name}")
    ffmpeg("-i", music / "0 original.flac", "-metadata", "title=tagged", "-c:a", "copy", music / "0 tagged.flac")
    names = {song_id(file.name): file.name for file in music.iterdir()}

    system = start(music.parent)
    log = EventLog(system)
    system.login()
    [playlist] = system.playlists()
    assert {song["id"] for song in system.songs(playlist)} == set(names)
    job = enqueue(system, type="JOB_TYPE_PLAYLIST", target_id=playlist["id"])
    ended = log.wait(lambda e: e.kind in ("COMPLETED", "FAILED") and e.job.id == job.id).job
    # One of the two identical files of each recording. What is tagged otherwise is another file.
    assert (ended.failed, ended.skipped) == (0, 2)
    analyses = {name: system.get(f"/api/song/{song}/analysis")["analysis"] for song, name in names.items()}
    first, second = analyses["1 original.flac"], analyses["1 copy.flac"]
    assert {**first, "twins": []} == {**second, "twins": []}

    rates = []
    for name, analysis in analyses.items():
        twins = {names[twin["id"]]: twin for twin in analysis["twins"]}
        assert set(twins) == {other for other in analyses if other[0] == name[0]} - {name}, name
        samples = {f"{name[0]} {which}.flac" for which in ("original", "copy", "tagged")}
        identical = {twin for twin in twins if twins[twin]["identical"]}
        assert identical == (samples & set(twins) if name in samples else set()), name
        rates += [twin["bit_error_rate"] for twin in twins.values()]
    print(f"the highest bit-error rate of {len(rates)} links is {max(rates):.3f}")

    forced = enqueue(system, type="JOB_TYPE_SONG", target_id=song_id("0 copy.flac"), force=True)
    ended = log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == forced.id).job
    assert (ended.analysed, ended.skipped) == (1, 0)
