"""Calls: a client, the services that it reaches, and the replies of a call that streams them."""

import queue
import threading
import time
import types

from analysis.v1.frame_pb2 import Frame
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError

from . import connection
from .connection import Connection
from .status import RPCError, StatusCode


class Client:
    """Calls the services at one address, `unix:/path` or `tcp://host:port`.

    It connects when the first call is made, and again when the connection was lost; calls that were running then fail with
    UNAVAILABLE. Threads may share it.
    """

    def __init__(self, address: str, connect_timeout: float = 5):
        self.address = address
        self._connect_timeout = connect_timeout
        self._connection: Connection | None = None
        self._connecting = threading.Lock()

    def service(self, module: types.ModuleType, name: str) -> "Service":
        """A service by its name in a generated module, such as `queue_pb2` and "Queue"."""
        return Service(self, module.DESCRIPTOR.services_by_name[name])

    def close(self):
        with self._connecting:
            if self._connection:
                self._connection.close()
                self._connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _connected(self) -> Connection:
        with self._connecting:
            if not (self._connection and self._connection.takes_calls):
                self._connection = Connection(self.address, self._connect_timeout)
            return self._connection


class Service:
    """Has a method for each of the service's, which takes the request, the seconds that the call may take, and metadata.

    It returns the reply, or a `Replies` where the method streams them, and raises RPCError. Metadata is a list of names, in
    lower case, and values: bytes where the name ends in "-bin", otherwise text.
    """

    def __init__(self, client: Client, descriptor: ServiceDescriptor):
        self._client = client
        self._descriptor = descriptor

    def __getattr__(self, name: str):
        method = self._descriptor.methods_by_name.get(name)
        if method is None or method.client_streaming:
            raise AttributeError(f"{self._descriptor.full_name} has no method {name} that takes one request")

        def call(request, timeout: float | None = None, metadata=()):
            replies = Replies(self._client._connected(), method, request, timeout, metadata)
            return replies if method.server_streaming else replies.only()

        return call


class Replies:
    """The messages that a server streams, in order, to be read once. Ends with RPCError unless the status is OK.

    Closing it, or dropping it, cancels the call.
    """

    def __init__(self, to: Connection, method: MethodDescriptor, request, timeout: float | None, metadata):
        self._stream = None
        if request.DESCRIPTOR.full_name != method.input_type.full_name:
            raise TypeError(f"{method.full_name} takes {method.input_type.full_name}, not {request.DESCRIPTOR.full_name}")
        payload = request.SerializeToString()
        if len(payload) > to.max_message_bytes:
            raise RPCError(
                StatusCode.RESOURCE_EXHAUSTED, f"{len(payload)} bytes are over the limit of {to.max_message_bytes}")
        self._connection = to
        self._reply = message_factory.GetMessageClass(method.output_type)
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._unacknowledged = 0
        self._stream, self._inbox = to.call(
            method=f"{method.containing_service.full_name}/{method.name}",
            payload=payload,
            has_message=True,
            end=True,
            timeout_us=0 if timeout is None else max(int(timeout * 1e6), 1),
            metadata=[
                {"name": name, "value": value if isinstance(value, bytes) else value.encode()}
                for name, value in metadata
            ],
        )

    def only(self):
        """The reply of a method that gives one."""
        replies = list(self)
        if len(replies) != 1:
            raise RPCError(StatusCode.INTERNAL, f"the server sent {len(replies)} replies where the method gives one")
        return replies[0]

    def close(self):
        if self._stream is not None:
            self._connection.cancel(self._stream)
            self._stream = None

    def __iter__(self):
        return self

    def __next__(self):
        if self._stream is None:
            raise StopIteration
        try:
            left = None if self._deadline is None else max(self._deadline - time.monotonic(), 0)
            arrived = self._inbox.get(timeout=left)
        except queue.Empty:
            self.close()
            raise RPCError(StatusCode.DEADLINE_EXCEEDED, "the server took longer than the timeout") from None
        if isinstance(arrived, RPCError):
            self._stream = None
            raise arrived
        if arrived.kind == Frame.STATUS:
            self._stream = None
            self._raise_unless_ok(arrived)
            if not arrived.has_message:
                raise StopIteration
        else:
            self._acknowledge(arrived)
        try:
            return self._reply.FromString(arrived.payload)
        except DecodeError as error:
            self.close()
            raise RPCError(StatusCode.INTERNAL, f"the reply is no {self._reply.DESCRIPTOR.full_name}") from error

    def _acknowledge(self, frame: Frame):
        """Gives credit back in halves of the window: a message uses its size and 32 bytes."""
        self._unacknowledged += len(frame.payload) + 32
        if self._unacknowledged >= connection.CREDIT_BYTES // 2:
            self._connection.give_credit(self._stream, self._unacknowledged)
            self._unacknowledged = 0

    @staticmethod
    def _raise_unless_ok(frame: Frame):
        if frame.status:
            metadata = [
                (header.name, header.value if header.name.endswith("-bin") else header.value.decode())
                for header in frame.metadata
            ]
            retry_after = frame.retry_after_us / 1e6 if frame.retry_after_us else None
            raise RPCError(StatusCode(frame.status), frame.detail, metadata, retry_after)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self.close()
