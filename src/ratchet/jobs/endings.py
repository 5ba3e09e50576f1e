"""How a run ended, and what follows from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from pydantic import ValidationError

from ratchet.domain.errors import Misconfigured, Transient
from ratchet.jobs.base import Cancel, Done, Outcome, Snooze
from ratchet.jobs.errors import Failure, expected, unexpected
from ratchet.jobs.headers import Record

FIRST_BACKOFF_S: Final = 1.0
LONGEST_BACKOFF_S: Final = 300.0
LONGEST_SNOOZE_S: Final = 86_400.0
MISCONFIGURED_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Finished:
    """The job is gone. `reason`: why nothing was done."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """The job waits `delay_s` for its next run."""

    delay_s: float
    failures: int
    snoozes: int
    failure: Failure | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dead:
    """The job is kept for an operator to see."""

    failures: int
    snoozes: int
    failure: Failure


Ending = Finished | Again | Dead


def of_outcome(outcome: Outcome, record: Record) -> Ending:
    match outcome:
        case Done():
            return Finished()
        case Cancel(reason):
            return Finished(reason)
        case Snooze(seconds, reason):
            return _snooze(record, seconds, reason)
        case _:
            assert_never(outcome)


def of_error(error: Exception, record: Record, max_failures: int, chance: float) -> Ending:
    """`chance`: 0 to 1, spreads the next tries of jobs that failed together."""
    match expected(error):
        case None:
            return of_failure(unexpected(error), record, max_failures, chance)
        case Transient() as busy:
            wait = busy.retry_after
            delay = backoff_s(record.snoozes + 1, chance) if wait is None else wait * (1 + chance / 10)
            return _snooze(record, delay, str(busy))
        case Misconfigured() as wrong:
            # A revoked token, a missing scope: once an operator has mended it, nothing may be lost.
            return _snooze(record, MISCONFIGURED_S, str(wrong))
        case final:
            return Dead(record.failures + 1, record.snoozes, Failure(type(final).__name__, str(final)))


def of_failure(failure: Failure, record: Record, max_failures: int, chance: float) -> Ending:
    failures = record.failures + 1
    if failures >= max_failures:
        return Dead(failures, record.snoozes, failure)
    return Again(backoff_s(failures, chance), failures, record.snoozes, failure)


def handed_back(record: Record, delay_s: float = 0.0, reason: str = "stopping") -> Again:
    """A run that was cut short, or could not begin: as if it had not been."""
    return Again(delay_s, record.failures, record.snoozes, reason=reason)


def invalid(error: ValidationError, record: Record) -> Dead:
    """Names the fields, not what they hold."""
    fields = "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'payload'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    )
    message = f"The stored payload is not valid for this version: {fields}"
    return Dead(record.failures, record.snoozes, Failure("InvalidPayload", message))


def backoff_s(tries: int, chance: float) -> float:
    """Doubles with each try up to a bound; then between half of it and all of it, by chance."""
    full = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(tries - 1, 30))
    return full * (0.5 + chance / 2)


def _snooze(record: Record, seconds: float, reason: str) -> Again:
    delay = max(0.0, min(seconds, LONGEST_SNOOZE_S))
    return Again(delay, record.failures, record.snoozes + 1, reason=reason)
