"""The clients over mutual TLS 1.3, against a peer that is played frame by frame."""

import pathlib
import ssl
import subprocess

import pytest

from analysis.v1 import jobs_pb2, queue_pb2
from analysis.v1.frame_pb2 import Frame
from analysisqueue import TLS, Options, Queue, RPCError, StatusCode
from peer import TIMEOUT, Peer

pytestmark = pytest.mark.timeout(60)

CERTIFICATES = pathlib.Path(__file__).parents[3] / "deploy/certificates"
ONCE = Options(max_attempts=1)


def make_certificates(folder: pathlib.Path, *names: str) -> pathlib.Path:
    subprocess.run([CERTIFICATES, folder, *names], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("tls"), "localhost,127.0.0.1", "client", "elsewhere")


def tls(folder: pathlib.Path, authority: pathlib.Path | None = None) -> TLS:
    return TLS(
        authority=(authority or folder) / "authority.crt", certificate=folder / "client.crt", key=folder / "client.key")


@pytest.fixture
def serve(folder, tmp_path):
    peers = []

    def serve(name="localhost", version=ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = version
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "authority.crt")
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        peers.append(Peer(tmp_path, context=context))
        return peers[-1]

    yield serve
    for peer in peers:
        peer.close()


def test_both_sides_show_certificates_and_calls_are_made(folder, serve, shell):
    peer = serve()
    client = shell(peer.address, tls=tls(folder))
    reply = client.background(Queue.GetJob, queue_pb2.JobRequest(job_id="1"))
    peer.accept()
    assert peer.connection.version() == "TLSv1.3"
    assert (("commonName", "client"),) in peer.connection.getpeercert()["subject"]
    assert peer.receive().kind == Frame.CALL
    peer.reply(1, jobs_pb2.Job(id="1"))
    assert reply.result(TIMEOUT).id == "1"


def test_more_than_a_record_of_tls_arrives_whole(folder, serve, shell):
    peer = serve()
    client = shell(peer.address, tls=tls(folder))
    events = client.start(Queue.Follow, queue_pb2.FollowRequest())
    peer.accept(), peer.receive()
    big = queue_pb2.Event(reason="x" * 250_000)
    for _ in range(3):
        peer.message(1, big)
        assert client.next(events) == big
        assert peer.receive().kind == Frame.CREDIT


def failure(shell, address, files) -> RPCError:
    error = shell(address, tls=files, options=ONCE).background(Queue.GetJob, queue_pb2.JobRequest()).exception(TIMEOUT)
    assert isinstance(error, RPCError), error
    return error


def test_a_server_of_another_authority_is_not_trusted(folder, serve, shell, tmp_path):
    other = make_certificates(tmp_path / "other", "client")
    error = failure(shell, serve().address, tls(folder, authority=other))
    assert error.code == StatusCode.UNAVAILABLE and "certificate verify failed" in error.detail


def test_a_server_of_another_name_is_not_trusted(folder, serve, shell):
    error = failure(shell, serve("elsewhere").address, tls(folder))
    assert error.code == StatusCode.UNAVAILABLE and "not valid for 'localhost'" in error.detail


def test_an_older_tls_is_not_spoken(folder, serve, shell):
    error = failure(shell, serve(version=ssl.TLSVersion.TLSv1_2).address, tls(folder))
    assert error.code == StatusCode.UNAVAILABLE


def test_a_client_that_the_server_does_not_trust_is_told_so(folder, serve, shell, tmp_path):
    stranger = make_certificates(tmp_path / "other", "client")
    files = TLS(folder / "authority.crt", certificate=stranger / "client.crt", key=stranger / "client.key")
    error = failure(shell, serve().address, files)
    assert error.code == StatusCode.UNAVAILABLE
