"""What a job's `headers` column says about it (see sql.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ratchet.jobs.base import Job
from ratchet.jobs.errors import Failure, clean


def put_headers(job: Job) -> str | None:
    """JSON to store with a new job, None when there is nothing to say."""
    key = job.serial_key()
    if key is None:
        return None
    return json.dumps({"serial": clean(key)} | ({"ordered": True} if job.ordered else {}))


@dataclass(frozen=True, slots=True)
class Record:
    """How earlier runs of a job ended."""

    serial: str | None = None
    failures: int = 0
    snoozes: int = 0
    lost: int = 0


def read(headers: Mapping[str, object] | None) -> Record:
    """Tolerates anything: the column is a free-form JSON object."""
    headers = headers or {}
    serial = headers.get("serial")
    return Record(
        serial=serial if isinstance(serial, str) else None,
        failures=_count(headers, "failures"),
        snoozes=_count(headers, "snoozes"),
        lost=_count(headers, "lost"),
    )


def _count(headers: Mapping[str, object], name: str) -> int:
    value = headers.get(name)
    return value if isinstance(value, int) else 0


def patch(failures: int, snoozes: int, failure: Failure | None) -> dict[str, object]:
    """What a run that did not finish adds to the headers."""
    added: dict[str, object] = {"failures": failures, "snoozes": snoozes}
    if failure is not None:
        added["error"] = failure.as_json()
    return added
