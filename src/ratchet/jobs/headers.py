"""What a job's `headers` column says about it (see sql.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ratchet.jobs.base import NewJob
from ratchet.jobs.errors import Failure, clean
from ratchet.telemetry.tracing import always, traceparent


def put_headers(new: NewJob) -> str | None:
    """JSON to store with a new job, None when there is nothing to say."""
    said: dict[str, object] = {}
    if (key := new.job.serial_key()) is not None:
        said |= {"serial": clean(key)} | ({"ordered": True} if new.job.ordered else {})
    if (parent := new.trace or traceparent()) is not None:
        said["trace"] = parent
    return json.dumps(said) if said else None


@dataclass(frozen=True, slots=True)
class Record:
    """How earlier runs of a job ended."""

    serial: str | None = None
    failures: int = 0
    snoozes: int = 0
    lost: int = 0
    trace: str | None = None


def read(headers: Mapping[str, object] | None) -> Record:
    """Tolerates anything: the column is a free-form JSON object."""
    headers = headers or {}
    serial, parent = headers.get("serial"), headers.get("trace")
    return Record(
        serial=serial if isinstance(serial, str) else None,
        failures=_count(headers, "failures"),
        snoozes=_count(headers, "snoozes"),
        lost=_count(headers, "lost"),
        trace=parent if isinstance(parent, str) else None,
    )


def _count(headers: Mapping[str, object], name: str) -> int:
    value = headers.get(name)
    return value if isinstance(value, int) else 0


def patch(
    failures: int, snoozes: int, failure: Failure | None, trace: str | None = None
) -> dict[str, object]:
    """What a run that did not finish adds to the headers. After a failure its trace is kept."""
    added: dict[str, object] = {"failures": failures, "snoozes": snoozes}
    if failure is not None:
        added["error"] = failure.as_json()
        if trace is not None:
            added["trace"] = always(trace)
    return added
