"""The whole system as a user starts it, for every end-to-end test: real processes, real Redis, real audio files."""

import pathlib
import shutil

import pytest

from system import System, default_songs

SONG_SECONDS = 60


@pytest.fixture(scope="session")
def songs(tmp_path_factory):
    """Real songs, the longest first."""
    return default_songs(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def library(songs, tmp_path):
    """A music folder of four playlists, twelve real songs in all."""
    root = tmp_path / "music"
    for number, song in enumerate(songs[:12]):
        folder = root / f"List {number % 4 + 1}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(song, folder / f"{number:02} {song.stem}{song.suffix}")
    return root


@pytest.fixture
def start(tmp_path_factory):
    """Starts a system on a music folder; every system that a test started is stopped when the test ends."""
    systems = []

    def start_system(music: pathlib.Path, data: pathlib.Path | None = None, **environment: str) -> System:
        """The environment stands behind the flags of every process."""
        # A short path: Unix sockets have no room for a long one.
        system = System(music, data or tmp_path_factory.mktemp("d"), environment)
        systems.append(system)
        system.start()
        return system

    yield start_system
    for system in systems:
        system.stop()


@pytest.fixture
def system(start, library):
    return start(library)
