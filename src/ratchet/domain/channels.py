"""What Ratchet may do in a channel, as an operator or the people there set it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# Fields of `Manners` by name, and what they become.
Changes = Mapping[str, bool | int | str | datetime | None]

CHANNEL_ID: Final = re.compile(r"[CG][A-Z0-9]{1,40}")
# A user group of Slack, by id or by handle.
GROUP: Final = re.compile(r"S[A-Z0-9]{1,40}|@[a-z0-9][a-z0-9._-]{0,79}")
MAX_QUIET_MINUTES: Final = 7 * 24 * 60

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
    owner_group: the user group that is called by a click when a question has no answer, by id or @handle.
    suggest_docs: it asks whether the answer of a help thread belongs into the documents, once nobody has
    written for quiet_minutes; in the review channel with suggest_in_review.
    """

    runbooks: bool = True
    repeats: bool = True
    storms: bool = True
    external_allowed: bool = False
    quiet_until: datetime | None = None
    follow_ups: bool = False
    review_channel: str | None = None
    owner_group: str | None = None
    suggest_docs: bool = False
    quiet_minutes: int = 240
    suggest_in_review: bool = False

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
