"""Analyzers as the worker runs them: a process with frames on stdin and stdout."""

import json
import pathlib
import resource
import signal
import subprocess
import sys

import pytest

from analysis.v1.analyzer_pb2 import AnalyzerReply, AnalyzerRequest, REJECTION_KIND_LIMIT, REJECTION_KIND_REFUSED
from analysisqueue import wire

pytestmark = pytest.mark.timeout(60)

EXAMPLE = pathlib.Path(__file__).parents[1] / "examples/lyrics_analyzer.py"


class Child:
    def __init__(self, *command):
        self.process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def send(self, **fields):
        self.process.stdin.write(wire.length_prefixed(AnalyzerRequest(**fields)))
        self.process.stdin.flush()

    def receive(self) -> AnalyzerReply | None:
        return wire.read(self.process.stdout, AnalyzerReply)

    def receive_end(self) -> AnalyzerReply:
        """What a song ends with; the fractions on the way there never fall."""
        reached = 0
        while (reply := self.receive()).WhichOneof("reply") == "progress":
            assert reached <= reply.progress.fraction <= 1
            reached = reply.progress.fraction
        return reply


@pytest.fixture
def child(tmp_path):
    children = []

    def start(source):
        """Starts the example, or an analyzer of which this is the body of `analyze`."""
        if isinstance(source, str):
            program = tmp_path / "program.py"
            body = "\n".join("    " + line for line in source.splitlines())
            program.write_text(
                "import os, signal, subprocess, time\nfrom analysisqueue.analyzer import Rejected, serve\n"
                f"def analyze(song, path, progress):\n{body}\nserve('test', '3', analyze)\n")
            source = program
        children.append(Child(source))
        assert children[-1].receive().WhichOneof("reply") == "ready"
        return children[-1]

    yield start
    for started in children:
        started.process.kill()
        started.process.wait()
        for pipe in (started.process.stdin, started.process.stdout, started.process.stderr):
            pipe.close()


def song(**attributes):
    return {"id": "s1", "attributes": [{"name": name, "value": value} for name, value in attributes.items()]}


def test_the_example_finds_the_themes_of_one_song_after_another(child):
    example = child(EXAMPLE)
    example.send(analyze={"song": song(lyrics="Midnight train, my heart is on the road. Kiss the night")})
    result = json.loads(example.receive_end().analyzed.json)
    assert (result["score"], result["concern_level"]) == (100, "low")
    assert sorted(result["themes"]) == ["love", "night", "road"]
    example.send(analyze={"song": song(lyrics="blood on the knife")})
    result = json.loads(example.receive_end().analyzed.json)
    assert (result["score"], result["concern_level"], result["themes"]) == (0, "high", ["violence"])


def test_a_rejected_song_does_not_end_the_analyzer(child):
    example = child(EXAMPLE)
    for _ in range(2):
        example.send(analyze={"song": song()})
        rejected = example.receive_end().rejected
        assert (rejected.reason, rejected.kind) == ("the song has no lyrics", REJECTION_KIND_REFUSED)


def test_fractions_are_kept_from_falling_and_from_passing_one(child):
    analyzer = child("progress(0.5, 'a')\nprogress(0.2, 'b')\nprogress(7)\nreturn {}")
    analyzer.send(analyze={"song": song()})
    replies = [analyzer.receive().progress for _ in range(3)]
    assert [(reply.fraction, reply.stage) for reply in replies] == [(0.5, "a"), (0.5, "b"), (1, "")]


def test_what_the_analysis_prints_does_not_disturb_the_frames(child):
    analyzer = child("print('hello')\nsubprocess.run(['echo', 'there'])\nos.write(1, b'raw')\nreturn {'path': path}")
    analyzer.send(analyze={"song": song(), "path": "/music/a.ogg"})
    assert json.loads(analyzer.receive_end().analyzed.json) == {"path": "/music/a.ogg"}
    analyzer.process.stdin.close()
    log = analyzer.process.stderr.read()
    assert all(word in log for word in (b"hello", b"there", b"raw"))


def test_a_result_that_no_message_holds_is_rejected(child):
    analyzer = child("return {'text': 'x' * (5 << 20)}")
    analyzer.send(analyze={"song": song()})
    assert "over 4 MiB" in analyzer.receive_end().rejected.reason


def test_a_song_that_needs_too_much_memory_is_rejected_and_the_next_one_runs(child):
    analyzer = child("return {'length': len(bytearray(int(song.attributes[0].value)))}")
    resource.prlimit(analyzer.process.pid, resource.RLIMIT_DATA, (1 << 30, 1 << 30))
    analyzer.send(analyze={"song": song(bytes=str(2 << 30))})
    rejected = analyzer.receive_end().rejected
    assert rejected.kind == REJECTION_KIND_LIMIT and "more memory than it may have" in rejected.reason
    analyzer.send(analyze={"song": song(bytes="7")})
    assert json.loads(analyzer.receive_end().analyzed.json) == {"length": 7}


def test_a_probe_is_declined(child):
    analyzer = child("return {}")
    analyzer.send(probe={"roots": ["/music"]})
    assert "does not list folders" in analyzer.receive().probe_ended.failure


def test_it_leaves_when_the_worker_has_gone_even_while_busy(child):
    analyzer = child("progress(0.1)\ntime.sleep(3600)")
    analyzer.send(analyze={"song": song()})
    analyzer.receive()
    analyzer.process.stdin.close()
    assert analyzer.process.wait(timeout=10) == 0


def test_it_leaves_when_the_lease_passes_without_a_ping(child):
    analyzer = child("progress(0.1)\ntime.sleep(3600)")
    analyzer.send(analyze={"song": song()})
    analyzer.receive()
    analyzer.send(ping={"lease_ms": 50})
    assert analyzer.process.wait(timeout=10) == 1


def test_a_freeze_longer_than_the_lease_is_not_noticed_when_a_ping_comes_first(child):
    analyzer = child("progress(0.1)\nreturn {'done': True}")
    analyzer.send(ping={"lease_ms": 300})
    analyzer.process.send_signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        analyzer.process.wait(timeout=0.6)  # Time passing is what is tested: the lease runs out in the freeze.
    analyzer.send(ping={"lease_ms": 60_000})
    analyzer.process.send_signal(signal.SIGCONT)
    analyzer.send(analyze={"song": song()})
    assert json.loads(analyzer.receive_end().analyzed.json) == {"done": True}


def test_a_crash_ends_the_process_and_says_where(child):
    analyzer = child("return {}['missing']")
    analyzer.send(analyze={"song": song()})
    assert analyzer.receive() is None
    assert analyzer.process.wait(timeout=10) == 1
    assert b"KeyError: 'missing'" in analyzer.process.stderr.read()
