"""Every error of ours, by the audience that must act.

RatchetError
├── Refused        the person or the model that asked is told; asking again changes nothing
├── Transient      retry with backoff; `retry_after` when the other side named a time
└── Misconfigured  the start fails, with the remedy
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class RatchetError(Exception):
    """Something Ratchet could not do."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").split("\n", 1)[0])


class Refused(RatchetError):
    """The request cannot be carried out as it was made."""

    def __init__(self, message: str | None = None, *, code: str = "") -> None:
        """`code`: the other side's own word for it (`channel_not_found`), "" when it gave none."""
        super().__init__(message)
        self.code = code


class Transient(RatchetError):
    """A service did not answer as it should; it may later."""

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        """`retry_after`: seconds the service asked us to wait, None when it named none."""
        super().__init__(message)
        self.retry_after = retry_after


class Misconfigured(RatchetError):
    """A setting is missing or wrong."""


@contextmanager
def first_error() -> Iterator[None]:
    """Around a TaskGroup whose tasks do one thing together: the first error of one is the error of all."""
    try:
        yield
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
