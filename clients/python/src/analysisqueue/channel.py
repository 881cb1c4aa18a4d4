"""All of a client that needs no socket and no clock, as pure state: when it connects, which call goes where, and which goes
again.

    idle ──a call──▶ connecting ──HELLO──▶ ready ──GOAWAY or lost──▶ idle, or backing off where it did not last
                        ▲  └──failed──▶ backing off
                        └───waited, and calls wait───┘                  any ──close──▶ closed

The sync and the asyncio client are shells around it: they call in with what happened and the time, then make the connections
of `take_new`, send what each of them has to send, close those that are closed, and `tick` when it is `due`.
"""

from __future__ import annotations

import collections
import enum
import math
import random

from .call import Call
from .connection import Connection, Ending, Fate
from .options import Options
from .status import RPCError, StatusCode
from .throttle import Throttle

# A connection that did not last so long counts as a failed attempt: a server that accepts and closes at once is not asked
# in a loop.
SETTLED_SECONDS = 1


class Phase(enum.Enum):
    IDLE = enum.auto()
    CONNECTING = enum.auto()
    READY = enum.auto()
    BACKING_OFF = enum.auto()
    CLOSED = enum.auto()


class Channel:
    def __init__(self, address: str, options: Options, chance: random.Random) -> None:
        self._address = address
        self._options = options
        self._chance = chance
        self._phase = Phase.IDLE
        self._current: Connection | None = None  # while connecting and ready
        self._ready_since = 0.0
        self._failures = 0
        self._failure = RPCError(StatusCode.UNAVAILABLE, "not connected")
        self._backed_off_at = 0.0
        self._new: list[Connection] = []
        self._connections: set[Connection] = set()
        self._calls: set[Call] = set()  # all that have not ended
        self._waiting: collections.deque[Call] = collections.deque()  # for a connection, in the order made
        self._retries: dict[Call, float] = {}
        self._throttle = Throttle()
        self.due = math.inf
        """When to tick at the latest."""

    # What callers do

    def start(self, call: Call, now: float) -> None:
        self._calls.add(call)
        if call.deadline is not None:
            self.due = min(self.due, call.deadline)
        self._place(call, now)

    def send(self, call: Call, message: bytes, now: float) -> None:
        """Sends one more request. Only while `call.is_writable`."""
        call.send(message)
        self._pump(call, now)

    def end(self, call: Call, now: float) -> None:
        call.end()
        self._pump(call, now)

    def take(self, call: Call) -> bytes | None:
        """The next message that has arrived, or None."""
        message, credit = call.take()
        if credit and call.connection is not None:
            call.connection.give_credit(call, credit)
        return message

    def cancel(self, call: Call, error: RPCError) -> None:
        """Gives a call up, unless it has ended."""
        if call.ended:
            return
        if call.connection is not None:
            call.connection.cancel(call)
        self._finish(call, error, drop=True)

    def close(self) -> None:
        """Gives up all calls and connections, for ever."""
        self._phase, self._current = Phase.CLOSED, None
        for call in list(self._calls):
            self.cancel(call, _closed())
        for connection in self._connections:
            connection.lose("the client was closed")
        self._connections.clear()

    # What the shell does

    def take_new(self) -> list[Connection]:
        """The connections to make. Each is then told what it receives, or that it is lost."""
        new, self._new = self._new, []
        return new

    def receive(self, connection: Connection, data: bytes, now: float) -> None:
        endings = connection.receive(data, now)
        self._settle(connection, now)
        self._after(endings, now)

    def lose(self, connection: Connection, reason: str, now: float) -> None:
        endings = connection.lose(reason)
        self._settle(connection, now)
        self._after(endings, now)

    def tick(self, now: float) -> None:
        """Does what is due."""
        if now < self.due:
            return
        for connection in list(self._connections):
            endings = connection.tick(now)
            self._settle(connection, now)
            self._after(endings, now)
        for call in [call for call in self._calls if call.deadline is not None and call.deadline <= now]:
            self.cancel(call, self._out_of_time(call))
        if self._phase is Phase.BACKING_OFF and now >= self._backed_off_at:
            self._phase = Phase.IDLE
            self._connect_if_wanted(now)
        for call in [call for call, at in self._retries.items() if at <= now]:
            del self._retries[call]
            self._place(call, now)
        self._arm()

    # Calls

    def _place(self, call: Call, now: float) -> None:
        if self._phase is Phase.CLOSED:
            return self._finish(call, _closed())
        if self._phase is Phase.BACKING_OFF and not call.wait_for_ready:
            call.attempts += 1
            return self._after([Ending(call, self._failure, Fate.UNKNOWN)], now)
        self._waiting.append(call)
        self._make_waiting_calls(now)
        self._connect_if_wanted(now)

    def _make_waiting_calls(self, now: float) -> None:
        """Hands waiting calls to the connection while it takes them."""
        connection = self._current
        while self._waiting and connection is not None and connection.can_open:
            call = self._waiting.popleft()
            if not call.ended:
                call.attempts += 1
                self._after(connection.open(call, now), now)

    def _pump(self, call: Call, now: float) -> None:
        if call.connection is not None:
            self._after(call.connection.pump(call), now)

    def _after(self, endings: list[Ending], now: float) -> None:
        """Ends the calls that their connection ended, or makes them again: those that were not taken, and idempotent ones as
        long as nothing of the reply was seen and another attempt can help."""
        if any(fate is Fate.UNKNOWN for _, _, fate in endings):
            self._throttle.failed()  # Once, however many calls a lost connection ended.
        for call, error, fate in endings:
            if call.ended:
                continue
            if fate is Fate.ANSWERED:
                self._count(error)
            if fate is Fate.NOT_TAKEN and call.message is not None:
                self._place(call, now)
            elif error is None or (delay := self._retry_delay(call, error, now)) is None:
                self._finish(call, error)
            else:
                self._retries[call] = now + delay
                self.due = min(self.due, now + delay)
                call.wake()  # With the connection gone, nobody but those that wait may be there to tick, and sooner than they thought.
        self._make_waiting_calls(now)

    def _count(self, error: RPCError | None) -> None:
        """What the server's answer says about whether it bears being asked again."""
        if error is not None and error.code is StatusCode.UNAVAILABLE:
            self._throttle.failed()
        else:
            self._throttle.succeeded()

    def _retry_delay(self, call: Call, error: RPCError, now: float) -> float | None:
        """The seconds until the call is made again; None where its error counts."""
        helps = error.code is StatusCode.UNAVAILABLE and self._throttle.allows_retry
        repeatable = call.idempotent and call.message is not None and not call.has_received
        failures = max(call.attempts, 1)
        if not (helps and repeatable) or failures >= self._options.max_attempts:
            return None
        delay = self._options.backoff(failures, self._chance)
        if error.retry_after is not None:
            if error.retry_after > self._options.longest_retry_after:
                return None
            delay = error.retry_after
        if call.deadline is not None and now + delay >= call.deadline:
            return None
        return delay

    def _finish(self, call: Call, error: RPCError | None, drop: bool = False) -> None:
        self._calls.discard(call)
        self._retries.pop(call, None)
        call.finish(error, drop)

    def _out_of_time(self, call: Call) -> RPCError:
        detail = "the deadline has passed"
        if call.attempts == 0:
            detail += f" while the call waited for {self._address}"
            if self._failures:
                detail += f": {self._failure.detail}"
        return RPCError(StatusCode.DEADLINE_EXCEEDED, detail)

    # Connections

    def _connect_if_wanted(self, now: float) -> None:
        if self._phase is not Phase.IDLE or all(call.ended for call in self._waiting):
            return
        self._phase = Phase.CONNECTING
        self._current = Connection(self._options, now)
        self._connections.add(self._current)
        self._new.append(self._current)
        self.due = min(self.due, self._current.due)

    def _settle(self, connection: Connection, now: float) -> None:
        """Looks at what has become of a connection."""
        if connection.is_closed:
            self._connections.discard(connection)
        if connection is not self._current:
            return
        if self._phase is Phase.CONNECTING and connection.is_greeted:
            self._phase, self._ready_since = Phase.READY, now
            self.due = min(self.due, connection.due)
        if connection.end is not None:
            self._end_current(connection.end, now)
        self._make_waiting_calls(now)

    def _end_current(self, reason: RPCError, now: float) -> None:
        """The connection takes no more calls, or never came to be."""
        was_ready = self._phase is Phase.READY
        self._current = None
        lasted = was_ready and now - self._ready_since >= SETTLED_SECONDS
        if lasted:
            self._failures, self._phase = 0, Phase.IDLE
            return self._connect_if_wanted(now)
        what = f"the connection to {self._address} was lost" if was_ready else f"{self._address} cannot be reached"
        self._failure = RPCError(reason.code, f"{what}: {reason.detail}")
        self._failures += 1
        self._phase = Phase.BACKING_OFF
        self._backed_off_at = now + self._options.backoff(self._failures, self._chance)
        self.due = min(self.due, self._backed_off_at)
        failed = [call for call in self._waiting if not (call.ended or call.wait_for_ready)]
        self._waiting = collections.deque(call for call in self._waiting if not call.ended and call.wait_for_ready)
        for call in failed:
            call.attempts += 1
        self._after([Ending(call, self._failure, Fate.UNKNOWN) for call in failed], now)
        for call in self._calls:
            call.wake()  # For the same reason as before a retry.

    def _arm(self) -> None:
        self.due = min(
            [connection.due for connection in self._connections]
            + [call.deadline for call in self._calls if call.deadline is not None]
            + list(self._retries.values())
            + ([self._backed_off_at] if self._phase is Phase.BACKING_OFF else []),
            default=math.inf)


def _closed() -> RPCError:
    return RPCError(StatusCode.CANCELLED, "the client is closed")
