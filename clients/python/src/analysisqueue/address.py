"""Where a server is: a Unix socket, TCP on this machine, or TLS."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import ssl

EXAMPLES = "as in unix:/run/queue.sock, tcp://127.0.0.1:7000 or tls://queue.example:7443"
MAX_PATH_BYTES = 107  # what fits into sockaddr_un beside its terminating zero


@dataclasses.dataclass(frozen=True)
class TLS:
    """The PEM files of mutual TLS 1.3: the authority that signed the server's certificate, and the client's own certificate
    with its key."""

    authority: str | os.PathLike[str]
    certificate: str | os.PathLike[str]
    key: str | os.PathLike[str]

    def context(self) -> ssl.SSLContext:
        """Raises ValueError that names the file which cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        for what, file in dataclasses.asdict(self).items():
            try:
                open(file, "rb").close()
            except OSError as error:
                raise ValueError(f"the {what} of TLS cannot be read: {error}") from error
        try:
            context.load_verify_locations(self.authority)
        except ssl.SSLError as error:
            raise ValueError(f"the authority {self.authority} holds no certificate in PEM: {error}") from error
        try:
            context.load_cert_chain(self.certificate, self.key)
        except ssl.SSLError as error:
            raise ValueError(
                f"the certificate {self.certificate} and the key {self.key} are no pair in PEM: {error}") from error
        return context


@dataclasses.dataclass(frozen=True)
class Address:
    """Made by `parse`. Either `path` is given or `host`."""

    text: str
    path: str = ""
    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None

    @staticmethod
    def parse(text: str, tls: TLS | None = None, allow_remote_plaintext: bool = False) -> Address:
        """Raises ValueError that says what is wrong with the address and what would be right."""
        scheme, _, rest = text.partition(":")
        if tls is not None and scheme != "tls":
            raise ValueError(f"TLS files are given, but {text!r} is no tls:// address")
        if scheme == "unix":
            return Address(text, path=_path(text, rest))
        if scheme not in ("tcp", "tls") or not rest.startswith("//"):
            raise ValueError(f"{text!r} is no address: it must start with unix:, tcp:// or tls://, {EXAMPLES}")
        host, port = _host_and_port(text, rest[2:])
        if scheme == "tcp":
            if not (allow_remote_plaintext or _is_loopback(host)):
                raise ValueError(
                    f"{text!r} would carry plaintext to another machine: use tls://, or allow it with "
                    "allow_remote_plaintext=True")
            return Address(text, host=host, port=port)
        if tls is None:
            raise ValueError(f"{text!r} needs tls=TLS(authority=…, certificate=…, key=…), each the path of a PEM file")
        return Address(text, host=host, port=port, tls=tls.context())


def _path(text: str, path: str) -> str:
    size = len(os.fsencode(path))
    if not path or "\0" in path:
        raise ValueError(f"{text!r} is no address: a path must follow unix:, {EXAMPLES}")
    if size > MAX_PATH_BYTES:
        raise ValueError(f"{text!r} is no address: the path has {size} bytes; a socket's has at most {MAX_PATH_BYTES}")
    return path


def _host_and_port(text: str, rest: str) -> tuple[str, int]:
    host, colon, port = rest.rpartition(":")
    if not (colon and port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535):
        raise ValueError(f"{text!r} is no address: a port from 1 to 65535 must follow the host, {EXAMPLES}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r} is no address: an IPv6 address stands in brackets")
    if not host:
        raise ValueError(f"{text!r} is no address: the host is missing, {EXAMPLES}")
    return host, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"  # Another name could be any machine.
