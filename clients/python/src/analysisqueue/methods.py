"""What services are made of: their methods, of the four kinds, for the sync and the asyncio client alike.

`services.py` is generated and declares a Service for each service of the .proto files. What a method is called, and whether it
may be called again, comes from the descriptors.
"""

from __future__ import annotations

import time
import typing

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import DecodeError, Message

from .call import Call
from .options import CallOptions
from .status import Metadata, RPCError, StatusCode
from .wire import MAX_METADATA_BYTES, metadata_size

if typing.TYPE_CHECKING:
    from . import aio, aio_calls, sync, sync_calls

Q = typing.TypeVar("Q", bound=Message)
R = typing.TypeVar("R", bound=Message)
C = typing.TypeVar("C", "sync.Client", "aio.AsyncClient")


class Service(typing.Generic[C]):
    """A service as a client reaches it: `Queue(client).GetJob(request, timeout=5)`."""

    DESCRIPTOR: typing.ClassVar[ServiceDescriptor]

    def __init__(self, client: C) -> None:
        self.client: C = client


class Method(typing.Generic[Q, R]):
    def __init__(self, request: type[Q], reply: type[R]) -> None:
        self._request = request
        self._reply = reply
        self.name = ""
        self.is_repeatable = False

    def __set_name__(self, owner: type[Service[typing.Any]], name: str) -> None:
        descriptor = owner.DESCRIPTOR.methods_by_name[name]
        self.name = f"{owner.DESCRIPTOR.full_name}/{name}"
        is_idempotent = descriptor.GetOptions().idempotency_level != 0  # IDEMPOTENCY_UNKNOWN
        self.is_repeatable = is_idempotent and not descriptor.server_streaming

    def make_call(self, request: Q | None, options: CallOptions) -> Call:
        """A call with its one request, or, with None, one whose requests follow."""
        timeout = options.get("timeout")
        metadata = list(options.get("metadata", ()))
        _check_metadata(metadata)
        return Call(
            self.name, None if request is None else self.encode(request), metadata=metadata,
            deadline=None if timeout is None else time.monotonic() + timeout, idempotent=self.is_repeatable,
            wait_for_ready=options.get("wait_for_ready", False))

    def encode(self, request: Q) -> bytes:
        if not isinstance(request, self._request):
            raise TypeError(f"{self.name} takes {self._request.DESCRIPTOR.full_name}, not {type(request).__name__}")
        return request.SerializeToString()

    def decode(self, payload: bytes) -> R:
        try:
            return self._reply.FromString(payload)
        except DecodeError as error:
            detail = f"the reply of {self.name} is no {self._reply.DESCRIPTOR.full_name}"
            raise RPCError(StatusCode.INTERNAL, detail) from error

    def wrong_number_of_replies(self) -> RPCError:
        return RPCError(StatusCode.INTERNAL, f"the server did not send the one reply that {self.name} gives")


class UnaryMethod(Method[Q, R]):
    @typing.overload
    def __get__(self, service: Service[sync.Client], owner: object) -> sync_calls.Unary[Q, R]: ...
    @typing.overload
    def __get__(self, service: Service[aio.AsyncClient], owner: object) -> aio_calls.Unary[Q, R]: ...
    @typing.overload
    def __get__(self, service: None, owner: object) -> UnaryMethod[Q, R]: ...
    def __get__(self, service: typing.Any, owner: object) -> typing.Any:
        return self if service is None else service.client.unary(self)


class ServerStreamMethod(Method[Q, R]):
    @typing.overload
    def __get__(self, service: Service[sync.Client], owner: object) -> sync_calls.ServerStream[Q, R]: ...
    @typing.overload
    def __get__(self, service: Service[aio.AsyncClient], owner: object) -> aio_calls.ServerStream[Q, R]: ...
    @typing.overload
    def __get__(self, service: None, owner: object) -> ServerStreamMethod[Q, R]: ...
    def __get__(self, service: typing.Any, owner: object) -> typing.Any:
        return self if service is None else service.client.server_stream(self)


class ClientStreamMethod(Method[Q, R]):
    @typing.overload
    def __get__(self, service: Service[sync.Client], owner: object) -> sync_calls.ClientStream[Q, R]: ...
    @typing.overload
    def __get__(self, service: Service[aio.AsyncClient], owner: object) -> aio_calls.ClientStream[Q, R]: ...
    @typing.overload
    def __get__(self, service: None, owner: object) -> ClientStreamMethod[Q, R]: ...
    def __get__(self, service: typing.Any, owner: object) -> typing.Any:
        return self if service is None else service.client.client_stream(self)


class BidirectionalMethod(Method[Q, R]):
    @typing.overload
    def __get__(self, service: Service[sync.Client], owner: object) -> sync_calls.Bidirectional[Q, R]: ...
    @typing.overload
    def __get__(self, service: Service[aio.AsyncClient], owner: object) -> aio_calls.Bidirectional[Q, R]: ...
    @typing.overload
    def __get__(self, service: None, owner: object) -> BidirectionalMethod[Q, R]: ...
    def __get__(self, service: typing.Any, owner: object) -> typing.Any:
        return self if service is None else service.client.bidirectional(self)


def bearer(token: str | None) -> Metadata:
    return [] if token is None else [("authorization", f"Bearer {token}")]


def cancelled() -> RPCError:
    return RPCError(StatusCode.CANCELLED, "the caller gave the call up")


def check_room(metadata: Metadata) -> None:
    """Raises ValueError where it is more than a call may carry."""
    size = metadata_size(metadata)
    if size > MAX_METADATA_BYTES:
        raise ValueError(f"the metadata takes {size} bytes; a call has room for {MAX_METADATA_BYTES}")


def _check_metadata(metadata: Metadata) -> None:
    for name, value in metadata:
        if name != name.lower():
            raise ValueError(f"the metadata name {name!r} must be lower case: {name.lower()!r}")
        if name.endswith("-bin") != isinstance(value, bytes):
            raise TypeError(f"the value of the metadata {name!r} must be {'bytes' if name.endswith('-bin') else 'str'}")
