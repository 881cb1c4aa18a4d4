"""Keeps a client from multiplying an outage: the tokens of proto/PROTOCOL.md."""

from __future__ import annotations

MAX_TENTHS = 100  # whole numbers, so that ten successes make up for a failure to the point


class Throttle:
    """A failure takes one of ten tokens, a success gives a tenth of one back."""

    def __init__(self) -> None:
        self._tenths = MAX_TENTHS

    @property
    def allows_retry(self) -> bool:
        """Whether more than half of the tokens are there."""
        return self._tenths > MAX_TENTHS // 2

    def succeeded(self) -> None:
        self._tenths = min(MAX_TENTHS, self._tenths + 1)

    def failed(self) -> None:
        self._tenths = max(0, self._tenths - 10)
