"""Compares audio-analyzer with decoding alone and with librosa. Started by `run` beside it."""

import json
import os
import resource
import statistics
import subprocess
import sys
import time

import librosa

ROUNDS = 7
COPIES = 3  # files per process, so that starting it can be subtracted


def child_seconds(command):
    """The processor time of a command: unlike elapsed time it does not count what else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def seconds_per_file(analyzer, options, file):
    start = child_seconds([analyzer, "--help"])
    return (child_seconds([analyzer, *options, *[file] * COPIES]) - start) / COPIES


def librosa_seconds(file):
    began = time.process_time()
    samples, rate = librosa.load(file)
    librosa.beat.beat_track(y=samples, sr=rate)
    librosa.feature.chroma_cqt(y=samples, sr=rate)
    return time.process_time() - began


def cost(analyzer, file):
    librosa_seconds(file)  # warm-up: compiles its kernels
    rounds = []
    for _ in range(ROUNDS):
        decoding = seconds_per_file(analyzer, ["--decode-only"], file)
        analysis = seconds_per_file(analyzer, [], file)
        rounds.append((decoding, analysis, librosa_seconds(file)))
    decoding, analysis, reference = (statistics.median(column) for column in zip(*rounds))
    to_decoding = statistics.median(a / d for d, a, _ in rounds)
    to_librosa = statistics.median(a / r for _, a, r in rounds)
    print(f"{os.path.basename(file)}: processor seconds, median of {ROUNDS} rounds")
    print(f"  decoding alone                     {decoding:.3f}")
    print(f"  audio-analyzer                     {analysis:.3f}   {to_decoding:.2f} x decoding (at most 5)")
    print(f"  librosa load, beat_track, chroma   {reference:.3f}   {to_librosa:.2f} x librosa (at most 0.7)")
    return to_decoding <= 5 and to_librosa <= 0.7


def tempo(analyzer, folder):
    agreeing = total = 0
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if not name.lower().endswith((".ogg", ".opus", ".mp3", ".flac", ".m4a", ".wav")):
                continue
            path = os.path.join(parent, name)
            result = subprocess.run([analyzer, path], capture_output=True)
            if result.returncode != 0:
                print(f"  {name}: {result.stderr.decode().strip()}")
                continue
            ours = json.loads(result.stdout)["tempo"]
            samples, rate = librosa.load(path)
            theirs = float(librosa.beat.beat_track(y=samples, sr=rate)[0].item())
            bpm = ours["bpm"] or 0
            agrees = theirs > 0 and any(abs(bpm * factor / theirs - 1) <= 0.04 for factor in (0.5, 1, 2))
            agreeing += agrees
            total += 1
            print(f"  {'  ' if agrees else '! '}{name:30} {bpm:7.2f} ({ours['confidence']:.2f})  librosa {theirs:7.2f}")
    if total == 0:
        sys.exit(f"no audio files in {folder}")
    print(f"{agreeing} of {total} songs agree within 4 %, or at half or double the tempo (at least 3 in 4)")
    return agreeing * 4 >= total * 3


if __name__ == "__main__":
    analyzer, *arguments = sys.argv[1:]
    if arguments[0] == "--tempo" and len(arguments) == 2:
        sys.exit(not tempo(analyzer, arguments[1]))
    if len(arguments) == 1:
        sys.exit(not cost(analyzer, arguments[0]))
    sys.exit("usage: run FILE | run --tempo FOLDER")
