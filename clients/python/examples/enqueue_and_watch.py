#!/usr/bin/env python3
"""Asks for the analysis of a song, follows it, and prints what was found.

    enqueue_and_watch.py QUEUE PROGRESS USER SONG

QUEUE and PROGRESS are the addresses of the services, such as unix:/path/queue.sock. Exits with 1 where the analysis fails.
"""

import argparse
import json
import sys
import typing

from analysis.v1 import catalog_pb2, jobs_pb2, progress_pb2, queue_pb2
from analysisqueue import Catalog, Client, Queue, RPCError


def main() -> int:
    parser = argparse.ArgumentParser(description="Asks for the analysis of a song, follows it, and prints what was found.")
    parser.add_argument("queue", help="address of the queue service, such as unix:/path/queue.sock")
    parser.add_argument("progress", help="address of the progress service")
    parser.add_argument("user", help="whose song it is")
    parser.add_argument("song", help="the song's id")
    parser.add_argument("--force", action="store_true", help="analyse it again where its result is fresh")
    arguments = parser.parse_args()
    try:
        with Client(arguments.queue) as queue, Client(arguments.progress) as progress:
            return enqueue_and_watch(queue, progress, arguments.user, arguments.song, arguments.force)
    except (RPCError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def enqueue_and_watch(queue: Client, progress: Client, user: str, song_id: str, force: bool) -> int:
    wish = queue_pb2.EnqueueRequest(user_id=user, type=jobs_pb2.JOB_TYPE_SONG, target_id=song_id, force=force)
    reply = Queue(queue).Enqueue(wish, timeout=10)
    if reply.HasField("job"):
        print(f"job {reply.job.id}{' (was there already)' if reply.existing else ''}", flush=True)
        job = watch(progress, user, reply.job.id)
        if job.state != jobs_pb2.JOB_STATE_COMPLETED:
            print(f"{state_name(job)}: {job.error}", file=sys.stderr)
            return 1
    else:
        print("nothing to analyse: the result is fresh")

    song = Catalog(queue).GetSong(catalog_pb2.SongRequest(user_id=user, song_id=song_id), timeout=10)
    print(f"{song.summary.song.artist} – {song.summary.song.title}")
    for result in song.results:
        print(f"{result.analyzer.name} {result.analyzer.version}, {result.took_ms / 1000:.1f} s: {summary(result.json)}")
    return 0


def watch(progress: Client, user: str, job_id: str) -> jobs_pb2.Job:
    """Prints how far the job is until it has ended; the job as it ended."""
    request = progress_pb2.WatchRequest(user_id=user, contexts=[progress_pb2.ProgressContext(job_id=job_id)])
    for view in progress.watch(request):
        eta = f", {view.eta_ms / 1000:.0f} s left" if view.HasField("eta_ms") else ""
        print(f"{view.fraction:4.0%} {state_name(view.job)} {view.stage or view.waiting_for}{eta}", flush=True)
        if view.ended:
            return view.job
    raise SystemExit("the progress service ended the watch before the job had ended")


def state_name(job: jobs_pb2.Job) -> str:
    return jobs_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()


def summary(result: bytes) -> str:
    """The plain figures of a result, those of its parts included, without lists such as beats and waveform."""
    figures: list[str] = []

    def collect(name: str, value: typing.Any) -> None:
        if isinstance(value, dict):
            for inner in value:
                collect(f"{name}.{inner}" if name else inner, value[inner])
        elif isinstance(value, (int, float)) or (isinstance(value, str) and len(value) < 80):
            figures.append(f"{name} {value}")

    collect("", json.loads(result))
    return ", ".join(figures)


if __name__ == "__main__":
    sys.exit(main())
