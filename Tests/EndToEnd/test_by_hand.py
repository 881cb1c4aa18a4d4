"""The audio analyzer by hand: `audio-analyzer FILE...` for people and scripts, without a worker."""

import json
import subprocess

from system import BIN


def by_hand(*arguments) -> tuple[int, list[str], str]:
    """The exit code, the lines printed and what was said on stderr."""
    ran = subprocess.run([BIN / "audio-analyzer", *arguments], capture_output=True, text=True, timeout=120)
    return ran.returncode, ran.stdout.splitlines(), ran.stderr


def test_each_file_is_one_line_of_json_and_a_bad_one_stops_no_other(songs, tmp_path):
    song, link, noise = songs[-1], tmp_path / "link to a song", tmp_path / "noise.flac"
    link.symlink_to(song)
    noise.write_bytes(b"fLaC" + bytes(range(256)) * 64)
    code, lines, said = by_hand(noise, tmp_path / "nothing", song, link)
    assert code == 1
    first, second = map(json.loads, lines)
    assert first == second and first["codec"] == "opus"
    assert f"{noise}: " in said and f"{tmp_path / 'nothing'}: the file does not exist" in said

    code, lines, said = by_hand("--decode-only", song)
    assert (code, said) == (0, "")
    assert abs(float(lines[0]) - first["duration_seconds"]) < 0.05


def test_arguments_that_make_no_sense_are_answered_with_the_usage(songs):
    for arguments in (["--nonsense", songs[-1]], ["--decode-only"]):
        code, lines, said = by_hand(*arguments)
        assert (code, lines) == (64, []) and "usage: audio-analyzer" in said
    code, lines, _ = by_hand("--help")
    assert code == 0 and lines[0].startswith("usage: audio-analyzer")
