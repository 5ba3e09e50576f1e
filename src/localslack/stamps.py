"""Slack's `ts`: seconds and six digits of microseconds. Kept as integers inside, as text outside."""

from __future__ import annotations

import re

from localslack.errors import SlackError

_TS = re.compile(r"^\s*(\d{1,12})(?:\.(\d{1,9}))?\s*$")


def micros(ts: object) -> int:
    """Microseconds since the UTC epoch; raises ValueError for what is not a ts."""
    found = _TS.match(str(ts))
    if not found:
        raise ValueError(f"not a Slack ts: {str(ts)[:40]!r}")
    return int(found[1]) * 1_000_000 + int((found[2] or "").ljust(6, "0")[:6])


def is_ts(value: object) -> bool:
    return _TS.match(str(value)) is not None


def text(at: int) -> str:
    return f"{at // 1_000_000}.{at % 1_000_000:06d}"


def argument(value: str, code: str) -> int:
    """A ts that came as a call's argument; `code` is what Slack answers when it is not one."""
    try:
        return micros(value)
    except ValueError:
        raise SlackError(code) from None


def permalink_part(ts: str) -> str:
    """`1700000000.000100` → `p1700000000000100`, the last part of a permalink."""
    return "p" + ts.replace(".", "")
