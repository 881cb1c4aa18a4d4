"""How a call ends: gRPC's status codes, and the error that carries one."""

import enum


class StatusCode(enum.IntEnum):
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
    def _missing_(cls, value):
        return cls.UNKNOWN


class RPCError(Exception):
    """A call that did not succeed.

    `detail` says what was wrong, for people; `metadata` came with the status, as a list of names and values; `retry_after`
    says in how many seconds another try can succeed, or is None.
    """

    def __init__(self, code: StatusCode, detail: str = "", metadata=(), retry_after: float | None = None):
        super().__init__(f"{code.name}: {detail}" if detail else code.name)
        self.code = code
        self.detail = detail
        self.metadata = list(metadata)
        self.retry_after = retry_after
