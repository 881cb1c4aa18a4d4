"""One call as pure state: what has arrived and waits for its reader, what waits for credit, and how it ended.

    waiting ──CALL──▶ open ──STATUS──▶ ended            a call that may be made again goes from open back to waiting
       └───────────────┴──cancelled, out of time, lost──▶ ended
"""

from __future__ import annotations

import collections
import typing

from .status import Metadata, RPCError
from .wire import ProtocolError

if typing.TYPE_CHECKING:
    from .connection import Connection

MAX_CREDIT_BYTES = 2_147_483_647
MESSAGE_COST_BYTES = 32  # what a message uses beside its payload's bytes


class Call:
    """Changed by the channel and its connections alone; callers look at it, and `wake` tells them when to look again.

    `message` is the whole request, or None where requests follow one by one. Times are those of the caller's clock.
    """

    def __init__(
        self, method: str, message: bytes | None, *, metadata: Metadata = (), deadline: float | None = None,
        idempotent: bool = False, wait_for_ready: bool = False, wake: typing.Callable[[], None] = lambda: None,
    ) -> None:
        self.method = method
        self.message = message
        self.metadata = metadata
        self.deadline = deadline
        self.idempotent = idempotent
        self.wait_for_ready = wait_for_ready
        self.wake = wake

        self.attempts = 0
        self.connection: Connection | None = None
        self.stream = 0
        self.ended = False
        self.error: RPCError | None = None
        self.leading_metadata: Metadata = []
        self.trailing_metadata: Metadata = []

        self.has_received = False
        self._inbox: collections.deque[bytes] = collections.deque()
        self._window = self._receivable = self._consumed = 0

        self._outbox: collections.deque[bytes] = collections.deque()
        self._sending = message is None
        self._end_due = False
        self._credit = 0

    def opened(self, connection: Connection, stream: int, window: int, credit: int) -> None:
        """The call has a stream: the server may send `window` bytes ahead, this side `credit` bytes."""
        self.connection, self.stream = connection, stream
        self._window = self._receivable = window
        self._consumed = 0
        self._credit = credit - (0 if self.message is None else _cost(self.message))

    def closed(self) -> None:
        """The call has no stream any more."""
        self.connection = None

    def finish(self, error: RPCError | None, drop: bool = False) -> None:
        """The call has ended. What arrived before is still read, unless this side gave the call up and drops it."""
        self.ended, self.error = True, error
        self._outbox.clear()
        self._sending = self._end_due = False
        if drop:
            self._inbox.clear()
        self.wake()

    # Receiving

    @property
    def is_readable(self) -> bool:
        return bool(self._inbox) or self.ended

    def receive(self, message: bytes, uses_credit: bool = True) -> None:
        if uses_credit:
            if self._receivable <= 0:
                raise ProtocolError("a message beyond the credit")
            self._receivable -= _cost(message)
        self.has_received = True
        self._inbox.append(message)
        self.wake()

    def take(self) -> tuple[bytes | None, int]:
        """The next message, or None, and the credit to give back: in halves of the window, so that it costs few frames."""
        if not self._inbox:
            return None, 0
        message = self._inbox.popleft()
        self._consumed += _cost(message)
        if self.connection is None or self._consumed < self._window // 2:
            return message, 0
        credit, self._consumed = self._consumed, 0
        self._receivable += credit
        return message, credit

    # Sending

    @property
    def is_writable(self) -> bool:
        """Whether another message may be sent: the one before has gone. Also true when the call takes none any more."""
        return not self._outbox or not self._sending

    @property
    def takes_messages(self) -> bool:
        return self._sending

    def send(self, message: bytes) -> None:
        if self._sending:
            self._outbox.append(message)

    def end(self) -> None:
        self._end_due, self._sending = self._sending, False

    def receive_credit(self, size: int) -> None:
        if not 0 < size <= MAX_CREDIT_BYTES - max(self._credit, 0):
            raise ProtocolError(f"a CREDIT of {size} bytes, which is none or too much")
        self._credit += size

    def take_sendable(self) -> bytes | None:
        """The next message that may go: whenever there is any credit, which may thereby fall below zero."""
        if not self._outbox or self._credit <= 0:
            return None
        message = self._outbox.popleft()
        self._credit -= _cost(message)
        if not self._outbox:
            self.wake()
        return message

    def take_end(self) -> bool:
        """Whether END is to be sent now."""
        if self._outbox or not self._end_due:
            return False
        self._end_due = False
        return True


def _cost(message: bytes) -> int:
    return len(message) + MESSAGE_COST_BYTES
