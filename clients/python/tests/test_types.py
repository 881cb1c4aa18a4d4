"""The package and its examples keep their types, and so does code that uses them."""

import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.timeout(300)

PACKAGE = pathlib.Path(__file__).parents[1]


def mypy(*arguments) -> str:
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", PACKAGE / "pyproject.toml", *arguments], cwd=PACKAGE,
        capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def test_the_package_and_its_examples_pass_strict_checks():
    assert "Success" in mypy()


def test_stubs_know_what_they_take_and_return(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        """
from analysis.v1 import jobs_pb2, queue_pb2, workers_pb2
from analysisqueue import AsyncClient, Client, Queue, Workers

def one(client: Client) -> None:
    reveal_type(Queue(client).GetJob(queue_pb2.JobRequest()))
    reveal_type(next(Queue(client).Follow(queue_pb2.FollowRequest())))
    Queue(client).GetJob(queue_pb2.EnqueueRequest())
    Queue(client).GetJob(queue_pb2.JobRequest(), timeout="5")

async def many(client: AsyncClient) -> None:
    reveal_type(await Queue(client).GetJob(queue_pb2.JobRequest()))
    async with Workers(client).Work() as call:
        reveal_type(await call.send(workers_pb2.WorkerMessage()))
        await call.send(workers_pb2.WorkerCommand())
""")
    said = [line.partition(": ")[2] for line in mypy(program).splitlines()]
    assert [line for line in said if line.startswith("note: Revealed")] == [
        'note: Revealed type is "analysis.v1.jobs_pb2.Job"', 'note: Revealed type is "analysis.v1.queue_pb2.Event"',
        'note: Revealed type is "analysis.v1.jobs_pb2.Job"', 'note: Revealed type is "bool"']
    errors = [line for line in said if line.startswith("error")]
    assert len(errors) == 3 and "EnqueueRequest" in errors[0] and "timeout" in errors[1] and "WorkerCommand" in errors[2]
