"""Exceptions of a run, judged."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ratchet.domain.errors import RatchetError, Transient

LONGEST_MESSAGE: Final = 2_000
LONGEST_TRACEBACK: Final = 20_000


def clean(text: str) -> str:
    """As PostgreSQL can store it: no NUL, no lone surrogates."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, kept with the job."""

    type: str
    message: str
    traceback: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "type": self.type,
            "message": clean(self.message)[:LONGEST_MESSAGE],
            "traceback": clean(self.traceback)[-LONGEST_TRACEBACK:],
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def unexpected(error: BaseException) -> Failure:
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return Failure(type(error).__name__, str(error), "".join(lines))


def expected(error: BaseException) -> RatchetError | None:
    """The error of ours that decides, None when there is any other in it.

    A TaskGroup wraps the errors of its tasks: all transient means the longest wait; one that is not decides.
    """
    if isinstance(error, RatchetError):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = [expected(inner) for inner in error.exceptions]
    ours = [one for one in found if one is not None]
    if len(ours) < len(found):
        return None
    final = [one for one in ours if not isinstance(one, Transient)]
    waits = [one for one in ours if isinstance(one, Transient)]
    return final[0] if final else max(waits, key=lambda one: one.retry_after or 0.0)
