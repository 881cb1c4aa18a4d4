#!/usr/bin/env python3
"""An analyzer of files: it judges how much of a song's sound its compression can have kept, from the file's size and length.

The worker starts it where it is configured as an analyzer, and the queue has songs go through it after the built-in one:

    analysis-worker --analyzer "compression=python3 clients/python/examples/compression_analyzer.py" …
    queue-service --analyzers audio@1,compression@1 …
"""

import os
import typing

from analysis.v1.jobs_pb2 import Song
from analysisqueue.analyzer import Progress, Rejected, serve

TRANSPARENT_BITS_PER_SECOND = 160_000


def analyze(song: Song, path: str, progress: Progress) -> dict[str, typing.Any]:
    if not path or not song.duration_ms:
        raise Rejected("the song has no file of known length")
    try:
        size = os.stat(path).st_size
    except OSError as error:
        raise Rejected(f"the file cannot be read: {error.strerror}", "REJECTION_KIND_MISSING") from error
    progress(0.5, "weighing")
    bits_per_second = 8000 * size / song.duration_ms
    kept = f"{TRANSPARENT_BITS_PER_SECOND // 1000} kbit/s"
    score = round(100 * min(bits_per_second / TRANSPARENT_BITS_PER_SECOND, 1))
    return {
        "score": score,
        "concern_level": "low" if score >= 75 else "medium" if score >= 40 else "high",
        "themes": [os.path.splitext(path)[1].lstrip(".").lower() or "no extension"],
        "explanation": f"{bits_per_second / 1000:.0f} kbit/s; from {kept} on nobody hears a loss.",
        "bits_per_second": round(bits_per_second),
    }


serve("compression", "1", analyze)
