"""The loop of an analyzer: a program that the worker starts, and gives one song after another on stdin.

    from analysisqueue.analyzer import Rejected, serve

    def analyze(song, path, progress):
        progress(0.5, "reading")
        return {"score": 90}            # any JSON object; or raise Rejected("why")

    serve("lyrics", "1", analyze)

Standard output belongs to the loop while it runs: what the analysis prints goes to stderr, which is the log. The worker may
freeze and continue the process at any time; nothing is to be done about it. While a song is analysed, the environment variable
TRACEPARENT holds the W3C trace context of the request that it is analysed for, if that had one.
"""

from __future__ import annotations

import json
import os
import queue
import select
import sys
import threading
import time
import typing

from analysis.v1.analyzer_pb2 import AnalyzerReply, AnalyzerRequest, RejectionKind
from analysis.v1.jobs_pb2 import Song

from . import wire


class Rejected(Exception):
    """This song cannot be analysed; the next one may be. The reason is for people."""

    def __init__(self, reason: str, kind: str = "REJECTION_KIND_REFUSED") -> None:
        super().__init__(reason)
        self.kind = RejectionKind.Value(kind)


Progress = typing.Callable[[float, str], None]  # fraction from 0 to 1, and the stage, for people
# Takes the song, and the path of its file or ""; gives a JSON object.
Analyze = typing.Callable[[Song, str, Progress], dict[str, typing.Any]]


def serve(name: str, version: str, analyze: Analyze) -> None:
    """Answers the worker until it goes away. Results of another version are stale; raise it when results change.

    A song for which the worker's memory limit is too low is rejected. Any other exception than Rejected ends the process, which
    the worker reports as a crash of the analyzer, and restarts it.
    """
    requests, replies = _take_standard_streams()
    songs: queue.SimpleQueue[AnalyzerRequest] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, songs), daemon=True).start()

    def reply(**fields: typing.Any) -> None:
        replies.write(wire.length_prefixed(AnalyzerReply(**fields)))
        replies.flush()

    reply(ready={"analyzer": {"name": name, "version": version}})
    while True:
        request = songs.get()
        if request.WhichOneof("request") == "probe":
            reply(probe_ended={"failure": f"the analyzer {name} does not list folders"})
            continue
        reached = 0.0

        def progress(fraction: float, stage: str = "") -> None:
            nonlocal reached
            reached = max(reached, min(fraction, 1.0))
            reply(progress={"fraction": reached, "stage": stage})

        # As OpenTelemetry and what the analysis starts look for it.
        if request.analyze.traceparent:
            os.environ["TRACEPARENT"] = request.analyze.traceparent
        else:
            os.environ.pop("TRACEPARENT", None)
        try:
            result = analyze(request.analyze.song, request.analyze.path, progress)
            reply(analyzed={"json": _encoded(result)})
        except Rejected as rejected:
            reply(rejected={"reason": str(rejected), "kind": rejected.kind})
        except MemoryError:
            reason = f"the analyzer {name} needs more memory than it may have"
            reply(rejected={"reason": reason, "kind": "REJECTION_KIND_LIMIT"})


def _encoded(result: dict[str, typing.Any]) -> bytes:
    data = json.dumps(result, allow_nan=False).encode()
    if len(data) > wire.MAX_MESSAGE_BYTES - 1024:
        raise Rejected(f"the result has {len(data)} bytes, which is over 4 MiB", "REJECTION_KIND_LIMIT")
    return data


def _listen(requests: typing.BinaryIO, songs: queue.SimpleQueue[AnalyzerRequest]) -> None:
    """Hands the work on; ends the process, busy or not, when the worker has gone or its lease has passed."""
    lease_ends = None
    while True:
        wait = None if lease_ends is None else max(lease_ends - time.monotonic(), 0)
        # After a freeze the lease has long passed, but the worker's ping is there before the process continues.
        if not select.select([requests], [], [], wait)[0]:
            os._exit(1)
        try:
            request = wire.read(requests, AnalyzerRequest)
        except wire.ProtocolError as error:
            print(f"the worker sent what is no request: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        if request is None:
            os._exit(0)
        if request.WhichOneof("request") == "ping":
            lease_ends = time.monotonic() + request.ping.lease_ms / 1000
        else:
            songs.put(request)


def _take_standard_streams() -> tuple[typing.BinaryIO, typing.BinaryIO]:
    """stdin and stdout for the loop alone: the analysis, and what it starts, get /dev/null and stderr instead."""
    requests = os.fdopen(os.dup(0), "rb", buffering=0)  # A buffer would hide requests from select.
    replies = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, replies
