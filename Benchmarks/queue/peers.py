"""What BullMQ and RQ do on the same Redis: jobs enqueued by one caller and by 64, and no-op jobs through one worker, a second.

    peers.py SOCKET    prints a line for each figure: its name, a tab, the value
"""

import asyncio
import sys
import threading
import time

import bullmq
import redis
import redis.asyncio
import rq

CALLERS = 64
SOCKET = sys.argv[1]


def report(name: str, count: int, start: float):
    print(f"{name}\t{count / (time.perf_counter() - start)}", flush=True)


def measure_rq(count: int):
    queue = rq.Queue(connection=redis.Redis(unix_socket_path=SOCKET))

    def enqueue(count: int):
        for _ in range(count):
            queue.enqueue("time.time")  # a worker takes no function of a script

    start = time.perf_counter()
    enqueue(count)
    report("RQ enqueue", count, start)

    threads = [threading.Thread(target=enqueue, args=[count // CALLERS]) for _ in range(CALLERS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report("RQ enqueue by 64", count, start)

    worker = rq.SimpleWorker([queue], connection=queue.connection)
    start = time.perf_counter()
    worker.work(burst=True, logging_level="ERROR", max_jobs=count // 4)
    report("RQ no-op jobs", count // 4, start)


async def measure_bullmq(count: int):
    def connect():
        return redis.asyncio.Redis(unix_socket_path=SOCKET, decode_responses=True)

    queue = bullmq.Queue("benchmark", {"connection": connect()})

    async def enqueue(count: int):
        for _ in range(count):
            await queue.add("noop", {})

    start = time.perf_counter()
    await enqueue(count)
    report("BullMQ enqueue", count, start)

    start = time.perf_counter()
    await asyncio.gather(*(enqueue(count // CALLERS) for _ in range(CALLERS)))
    report("BullMQ enqueue by 64", count, start)

    left = 2 * count
    done = asyncio.Event()

    async def process(job, token):
        nonlocal left
        left -= 1
        if left == 0:
            done.set()

    start = time.perf_counter()
    worker = bullmq.Worker("benchmark", process, {"connection": connect()})
    await done.wait()
    report("BullMQ no-op jobs", 2 * count, start)
    await worker.close(force=True)


measure_rq(6400)
asyncio.run(measure_bullmq(12800))
