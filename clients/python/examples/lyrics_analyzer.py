#!/usr/bin/env python3
"""An analyzer that needs no audio: it looks for themes in the words of a song's `lyrics` attribute.

The worker starts it where it is configured as an analyzer, for example

    analysis-worker --analyzer "lyrics=python3 clients/python/examples/lyrics_analyzer.py" …
"""

import re
import typing

from analysis.v1.jobs_pb2 import Song
from analysisqueue.analyzer import Progress, Rejected, serve

THEMES = {
    "love": {"love", "heart", "kiss", "darling", "lover"},
    "loss": {"gone", "goodbye", "tears", "lonely", "grave"},
    "night": {"night", "moon", "stars", "midnight", "dark"},
    "road": {"road", "highway", "train", "miles", "drive"},
    "violence": {"kill", "gun", "blood", "knife", "murder"},
}
CONCERNING = {"violence"}


def analyze(song: Song, path: str, progress: Progress) -> dict[str, typing.Any]:
    lyrics = next((attribute.value for attribute in song.attributes if attribute.name == "lyrics"), "")
    words = re.findall(r"[\w']+", lyrics.lower())
    if not words:
        raise Rejected("the song has no lyrics")
    counts: dict[str, int] = {}
    for number, (theme, markers) in enumerate(THEMES.items(), start=1):
        counts[theme] = sum(word in markers for word in words)
        progress(number / len(THEMES), f"looking for {theme}")

    themes = sorted((theme for theme in counts if counts[theme]), key=lambda theme: -counts[theme])
    concerning = sum(counts[theme] for theme in CONCERNING)
    share = concerning / len(words)
    return {
        "score": round(100 * (1 - min(10 * share, 1))),
        "concern_level": "low" if share < 0.01 else "medium" if share < 0.05 else "high",
        "themes": themes,
        "explanation": f"{concerning} of {len(words)} words are about {', '.join(sorted(CONCERNING))}.",
    }


serve("lyrics", "1", analyze)
