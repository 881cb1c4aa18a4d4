"""How a call ends: gRPC's status codes, and the error that carries one."""

from __future__ import annotations

import enum
from collections.abc import Sequence

Metadata = Sequence[tuple[str, str | bytes]]
"""Names, in lower case, and values: bytes where the name ends in "-bin", otherwise text."""


class StatusCode(enum.IntEnum):
    """gRPC's codes with their numbers and usual meaning; a number that is none of them reads as UNKNOWN."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @classmethod
    def _missing_(cls, value: object) -> StatusCode:
        return cls.UNKNOWN


class RPCError(Exception):
    """A call that did not succeed.

    `detail` says what was wrong, for people; `metadata` came with the status; `retry_after` says in how many seconds another
    try can succeed, or is None.
    """

    def __init__(
        self, code: StatusCode, detail: str = "", metadata: Metadata = (), retry_after: float | None = None
    ) -> None:
        super().__init__(f"{code.name}: {detail}" if detail else code.name)
        self.code = code
        self.detail = detail
        self.metadata = list(metadata)
        self.retry_after = retry_after
