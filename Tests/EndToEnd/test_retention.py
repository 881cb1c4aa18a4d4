"""What ended long ago is gone, and the memory that it took is free."""

import os

import pytest

from analysis.v1.queue_pb2 import EnqueueManyRequest, QueueStatusRequest
from analysisqueue import Queue

from clock import Clock
from system import wait_until
from test_queue_faults import Site

JOBS = 1_000_000 if os.environ.get("ANALYSIS_TEST_LONG") else 20_000
AT_ONCE = 1000


@pytest.mark.timeout(1200)
def test_jobs_that_ended_and_expired_take_no_memory(tmp_path_factory):
    clock = Clock(tmp_path_factory.mktemp("c"))
    site = Site(tmp_path_factory.mktemp("s"), clock.redis)
    site.start_redis()
    hours = 0
    try:
        site.start_queue("--retention-hours", "1", "--idempotency-hours", "1")
        site.add_user()
        fresh = [word for number in range(AT_ONCE) for word in (f"s{number}", "audio@1")]
        site.ask("HSET", "aq:{0}:user:u:analysed", *fresh)
        songs = [word for number in range(AT_ONCE) for word in (f"s{number}", "")]
        site.ask("HSET", "aq:{0}:user:u:songs", *songs)

        def end_and_expire(count: int) -> tuple[int, int]:
            """What Redis' data takes with so many jobs that ended, and after they have expired; in bytes."""
            nonlocal hours
            with site.client() as client:
                targets = [{"type": "JOB_TYPE_SONG", "target_id": f"s{number}"} for number in range(AT_ONCE)]
                for _ in range(count // AT_ONCE):
                    request = EnqueueManyRequest(user_id="u", targets=targets)
                    Queue(client).EnqueueMany(request, timeout=60, wait_for_ready=True)
                assert Queue(client).GetStatus(QueueStatusRequest(), timeout=10).completed == count
            full = used(site)
            hours += 2
            clock.jump(hours)
            # The janitor begins with the service.
            site.kill("queue")
            site.start_queue("--retention-hours", "1", "--idempotency-hours", "1")
            wait_until(lambda: site.ask("ZCARD", "aq:{0}:ended") == "0", "all jobs have expired", 600)
            return full, used(site)

        # The log of events is as long as it gets.
        _, baseline = end_and_expire(20_000)
        full, after = end_and_expire(JOBS)
        print(f"{JOBS} jobs: {(full - baseline) / JOBS:.0f} bytes each; {after - baseline:+} bytes when they have expired")
        assert full > baseline + 100 * JOBS
        assert after < baseline + 1_000_000
        site.ask("DEL", "aq:{0}:user:u:analysed")  # Marks without results, which only the test has written.
        site.verify()
    finally:
        site.stop()


def used(site: Site) -> int:
    [line] = [line for line in site.ask("INFO", "memory").splitlines() if line.startswith("used_memory_dataset:")]
    return int(line.split(":")[1])
