"""A library that changes from outside while its songs are analysed, with real songs and a real worker."""

import contextlib

import pytest

from analysis.v1.catalog_pb2 import ImportFolderRequest, RemoveSongsRequest, SongRequest, UpsertLibraryRequest
from analysis.v1.queue_pb2 import EnqueueRequest
from analysisqueue import Catalog, Client, Queue, RPCError, StatusCode

from log import EventLog


@contextlib.contextmanager
def queue_of(system):
    with Client(f"unix:{system.ready['sockets']['queue']}") as client:
        yield client


def enqueue(client: Client, user: str, playlist: str) -> str:
    wish = EnqueueRequest(user_id=user, type="JOB_TYPE_PLAYLIST", target_id=playlist, force=True)
    return Queue(client).Enqueue(wish, timeout=10).job.id


def test_a_song_that_is_removed_as_it_runs_makes_way_and_one_that_changed_begins_again(system):
    log, user = EventLog(system), system.ready["user"]
    system.login()
    playlist = max(system.playlists(), key=lambda playlist: len(system.songs(playlist)))
    songs = {song["id"] for song in system.songs(playlist)}
    with queue_of(system) as client:
        catalog = Catalog(client)
        job = enqueue(client, user, playlist["id"])
        first = log.wait(lambda e: e.kind == "STARTED" and e.job.id == job)
        removed = catalog.RemoveSongs(RemoveSongsRequest(user_id=user, song_ids=[first.song_id]), timeout=10)
        assert removed.removed == 1

        second = log.wait(lambda e: e.kind == "STARTED" and e.job.id == job and e.epoch > first.epoch)
        assert second.song_id != first.song_id
        song = catalog.GetSong(SongRequest(user_id=user, song_id=second.song_id), timeout=10).summary.song
        song.attributes.add(name="edition", value="another")
        changed = catalog.UpsertLibrary(UpsertLibraryRequest(user_id=user, songs=[song]), timeout=10)
        assert changed.songs_changed == 1

        again = log.wait(lambda e: e.kind == "STARTED" and e.job.id == job and e.epoch > second.epoch)
        assert again.song_id == second.song_id
        ended = log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == job).job
        assert (ended.analysed, ended.skipped, ended.failed) == (len(songs) - 1, 1, 0)
        analysed = [e.song_id for e in log.of("SONG_ANALYSED") if e.job.id == job]
        assert sorted(analysed) == sorted(songs - {first.song_id})
        with pytest.raises(RPCError) as refused:
            catalog.GetSong(SongRequest(user_id=user, song_id=first.song_id), timeout=10)
        assert refused.value.code is StatusCode.NOT_FOUND
    assert {song["id"] for song in system.songs(playlist)} == songs - {first.song_id}


def test_a_folder_without_songs_is_imported_as_such(system):
    (system.music / "empty").mkdir()
    with queue_of(system) as client:
        request = ImportFolderRequest(user_id=system.ready["user"], folder="empty")
        *_, last = Catalog(client).ImportFolder(request, timeout=30)
    assert last.done and (last.files, last.playlists) == (0, 0)
