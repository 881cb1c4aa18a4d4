"""Addresses, and what is said of those that are none."""

import pytest

from analysisqueue import TLS, Client


@pytest.mark.parametrize(
    "address, advice",
    [
        ("", "must start with unix:, tcp:// or tls://"),
        ("/run/queue.sock", "must start with unix:"),
        ("http://host:1", "must start with unix:"),
        ("tcp:host:1", "must start with unix:"),
        ("unix:", "a path must follow unix:"),
        ("unix:" + "x" * 108, "the path has 108 bytes; a socket's has at most 107"),
        ("tcp://localhost", "a port from 1 to 65535 must follow the host"),
        ("tcp://localhost:0", "a port from 1 to 65535"),
        ("tcp://localhost:65536", "a port from 1 to 65535"),
        ("tcp://localhost:²", "a port from 1 to 65535"),
        ("tcp://:7000", "the host is missing"),
        ("tcp://::1:7000", "an IPv6 address stands in brackets"),
        ("tcp://queue.example:7000", "plaintext to another machine: use tls://"),
        ("tcp://10.0.0.1:7000", "plaintext to another machine"),
        ("tls://queue.example:7443", r"needs tls=TLS\(authority=…, certificate=…, key=…\)"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_what_would_be_right(address, advice):
    with pytest.raises(ValueError, match=advice):
        Client(address)


def test_addresses_of_all_kinds_are_understood():
    assert Client("unix:run/queue.sock").address.path == "run/queue.sock"
    for text, host in {
        "tcp://localhost:1": "localhost", "tcp://127.8.0.1:65535": "127.8.0.1", "tcp://[::1]:7000": "::1",
    }.items():
        assert Client(text).address.host == host
    assert Client("tcp://10.0.0.1:7000", allow_remote_plaintext=True).address.port == 7000


def test_files_that_are_no_certificates_are_named(tmp_path):
    (tmp_path / "text").write_text("hello")
    missing = TLS(authority=tmp_path / "none", certificate=tmp_path / "text", key=tmp_path / "text")
    with pytest.raises(ValueError, match="the authority of TLS cannot be read: .*none"):
        Client("tls://localhost:7443", tls=missing)
    text = TLS(authority=tmp_path / "text", certificate=tmp_path / "text", key=tmp_path / "text")
    with pytest.raises(ValueError, match="the authority .*text holds no certificate in PEM"):
        Client("tls://localhost:7443", tls=text)
    with pytest.raises(ValueError, match="is no tls:// address"):
        Client("tcp://localhost:7000", tls=text)
