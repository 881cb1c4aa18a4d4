"""proto/check-compatible finds every change of the .proto files that processes and clients of the last release do not bear."""

import pathlib
import subprocess
import sys

import pytest

from system import ROOT

BEFORE = """
syntax = "proto3";
package analysis.v1;
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; }
message Song {
  reserved 9;
  string id = 1;
  uint32 length_ms = 2;
  oneof place { string path = 3; }
}
message Reply { message Part { bytes data = 1; } repeated Part parts = 1; }
service Songs { rpc Find(Song) returns (Reply); rpc Watch(Song) returns (stream Reply); }
"""


def check(folder: pathlib.Path, text: str, *arguments: str) -> subprocess.CompletedProcess:
    file = folder / "analysis/v1/songs.proto"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return subprocess.run(
        [sys.executable, ROOT / "proto/check-compatible", "--protos", folder, "--baseline", folder / "baseline", *arguments],
        capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("was", "now"), [
    ("uint32 length_ms = 2;", "uint32 length_ms = 2; repeated string genres = 4;"),
    ("uint32 length_ms = 2;", 'reserved 2; reserved "length_ms";'),
    ("COLOUR_RED = 1;", "COLOUR_RED = 1; COLOUR_BLUE = 2;"),
    ("service Songs {", "message Album {} service Songs { rpc Forget(Song) returns (Reply);"),
], ids=["a field more", "a field reserved", "a value more", "a method more"])
def test_what_the_last_release_bears_passes_and_can_be_the_next_baseline(tmp_path, was, now):
    assert check(tmp_path, BEFORE, "--accept").returncode == 0
    after = BEFORE.replace(was, now)
    for arguments in ([], ["--accept"], []):
        checked = check(tmp_path, after, *arguments)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(("was", "now", "told"), [
    ("uint32 length_ms = 2;", "", "Song.length_ms = 2 is gone"),
    ("uint32 length_ms = 2;", "reserved 2;", "Song.length_ms = 2 is gone"),
    ("uint32 length_ms = 2;", "uint32 length_ms = 5;", "Song.length_ms = 2 is gone"),
    ("uint32 length_ms = 2;", "uint32 seconds = 2;", "is seconds now"),
    ("uint32 length_ms = 2;", "uint64 length_ms = 2;", "was uint32 and is uint64"),
    ("uint32 length_ms = 2;", "repeated uint32 length_ms = 2;", "is repeated uint32"),
    ("uint32 length_ms = 2;\n  oneof place {", "oneof place { uint32 length_ms = 2;", "was in no oneof and is in oneof place"),
    ("reserved 9;", "string cover = 9;", "the number is reserved"),
    ("reserved 9;", "", "9 is no longer reserved"),
    ("COLOUR_RED = 1;", "COLOUR_BLUE = 1;", "COLOUR_RED = 1 is COLOUR_BLUE now"),
    ("COLOUR_RED = 1;", "", "COLOUR_RED = 1 is gone"),
    ("message Part { bytes data = 1; } repeated Part parts = 1;", "repeated Song parts = 1;", "Reply.Part is gone"),
    ("rpc Find(Song) returns (Reply);", "", "Songs.Find is gone"),
    ("rpc Find(Song)", "rpc Find(Reply)", "Songs.Find was (analysis.v1.Song)"),
    ("(stream Reply)", "(Reply)", "Songs.Watch was (analysis.v1.Song) returns (stream analysis.v1.Reply)"),
    ("service Songs", "service Music", "Songs is gone"),
    ("enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; }", "", "Colour is gone"),
])
def test_what_breaks_the_last_release_is_told(tmp_path, was, now, told):
    assert check(tmp_path, BEFORE, "--accept").returncode == 0
    after = BEFORE.replace(was, now)
    assert after != BEFORE
    for arguments in ([], ["--accept"]):
        checked = check(tmp_path, after, *arguments)
        assert checked.returncode == 1 and told in checked.stderr, checked
