"""What Ratchet may do in a channel, as an operator or the people there set it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# Fields of `Manners` by name, and what they become.
Changes = Mapping[str, bool | str | datetime | None]

CHANNEL_ID: Final = re.compile(r"[CG][A-Z0-9]{1,40}")

_SPAN: Final = re.compile(
    r"(?P<count>[1-9][0-9]{0,3} ?|(?:an?|one) )(?P<unit>m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)",
    re.IGNORECASE,
)
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class Manners:
    """What Ratchet says unasked. None of it silences an answer to somebody who asked.

    runbooks: under a firing alert. repeats: the line under one that fires again. storms: the one summary;
    without it a storm gets nothing. external_allowed: it may speak where people of other organisations read.
    quiet_until: nothing unasked before then, with its zone. follow_ups: who was just answered in a thread
    need not mention it again. review_channel: the id of the channel where drafts wait for a person.
    """

    runbooks: bool = True
    repeats: bool = True
    storms: bool = True
    external_allowed: bool = False
    quiet_until: datetime | None = None
    follow_ups: bool = False
    review_channel: str | None = None

    def quiet_at(self, moment: datetime) -> bool:
        """Whether all that is unasked is held back, whatever else is set."""
        return self.quiet_until is not None and moment < self.quiet_until


def span(text: str) -> timedelta | None:
    """`30m`, `2 hours`, `3d`, `a week`; None for anything else. At most 9999 of a unit."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    count = found["count"].strip()
    return (int(count) if count.isdigit() else 1) * _UNITS[found["unit"][0].lower()]
