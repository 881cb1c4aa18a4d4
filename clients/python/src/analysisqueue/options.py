"""What may be chosen: for a client, and for each call."""

from __future__ import annotations

import dataclasses
import random
import typing

from .status import Metadata
from .wire import DEFAULT_CREDIT_BYTES, MAX_MESSAGE_BYTES


@dataclasses.dataclass(frozen=True)
class Options:
    """Of a client; times in seconds. The defaults are those of proto/PROTOCOL.md."""

    connect_timeout: float = 2
    """How long connecting may take until the server has said HELLO."""
    keepalive_interval: float = 20
    """With calls running and nothing heard for this long, the client sends a PING."""
    keepalive_timeout: float = 10
    """How long the server has to answer a PING before the connection counts as dead."""
    max_message_bytes: int = MAX_MESSAGE_BYTES
    """The largest message that is taken from the server."""
    credit_bytes: int = DEFAULT_CREDIT_BYTES
    """How far the server may send ahead of the reader of a stream."""
    max_attempts: int = 4
    """How often an idempotent call is made before its error counts; 1: no retries."""
    longest_retry_after: float = 5
    """A server that asks to wait longer before the next attempt is not waited for: its error counts."""
    shortest_backoff: float = 0.05
    longest_backoff: float = 1
    backoff_factor: float = 1.6

    def backoff(self, failures: int, chance: random.Random) -> float:
        """The wait after failures in a row, at least one: between half and the whole of what grows with each, so that the
        clients of a server that restarts do not come back all at once."""
        whole = self.shortest_backoff
        for _ in range(failures - 1):
            if whole >= self.longest_backoff:
                break
            whole *= self.backoff_factor
        return min(whole, self.longest_backoff) * chance.uniform(0.5, 1)


class CallOptions(typing.TypedDict, total=False):
    """Of a call.

    `timeout`: the seconds that it may take, retries and waiting for a connection included; none if left out.
    `metadata`: goes with the request.
    `wait_for_ready`: waits for a server that is away instead of failing with UNAVAILABLE.
    """

    timeout: float | None
    metadata: Metadata
    wait_for_ready: bool
