"""Move a recorded conversation in time: every ts in it, and every mention of one, by whole seconds."""

from __future__ import annotations

import re
from typing import Any

from localslack import stamps

_TIME_KEYS = frozenset(
    {
        "ts",
        "thread_ts",
        "latest_reply",
        "event_ts",
        "deleted_ts",
        "last_read",
        "message_ts",
        "created",
        "timestamp",
        "updated",
        "date_create",
        "date_delete",
    }
)
_EARLIEST, _LATEST = 1_000_000_000, 4_000_000_000
_DATE = re.compile(r"(<!date\^)(\d{9,11})(?=\^)")
_PERMALINK = re.compile(r"(/archives/[A-Z0-9]+/p)(\d{16})")
_THREAD = re.compile(r"(thread_ts=)(\d{9,11}\.\d{6})")


def shifted(value: Any, seconds: int, key: str = "") -> Any:
    """A copy in which all times are `seconds` later. Distances, order and uniqueness stay."""
    if isinstance(value, dict):
        return {name: shifted(item, seconds, name) for name, item in value.items()}
    if isinstance(value, list):
        return [shifted(item, seconds, key) for item in value]
    if isinstance(value, bool):
        return value
    if key in _TIME_KEYS and _is_time(value):
        return _moved(value, seconds)
    return _text(value, seconds) if isinstance(value, str) else value


def _is_time(value: Any) -> bool:
    if isinstance(value, int | float):
        return _EARLIEST <= value <= _LATEST
    return stamps.is_ts(value) and _EARLIEST <= stamps.micros(value) // 1_000_000 <= _LATEST


def _moved(value: Any, seconds: int) -> Any:
    if isinstance(value, int | float):
        return value + seconds
    if "." not in value:
        return str(int(value) + seconds)
    whole, _, fraction = value.strip().partition(".")
    return f"{int(whole) + seconds}.{fraction}"


def _text(value: str, seconds: int) -> str:
    value = _DATE.sub(lambda m: f"{m[1]}{int(m[2]) + seconds}", value)
    value = _PERMALINK.sub(lambda m: f"{m[1]}{int(m[2]) + seconds * 1_000_000:016d}", value)
    return _THREAD.sub(lambda m: f"{m[1]}{_moved(m[2], seconds)}", value)
