"""Words by which people say what they did, why, and whether it helped. Pure.

Looked up as sets of words: a hundred threads are read while somebody waits under an alert.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Sign:
    """Any of these single words, or of these phrases of several."""

    words: frozenset[str]
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A text as its words: lower case, apostrophes and punctuation as gaps («didn't» is «didn t»)."""

    words: frozenset[str]
    line: str

    @classmethod
    def of(cls, text: str) -> Said:
        found = _WORD.findall(text.lower())
        return cls(frozenset(found), f" {' '.join(found)} ")

    def any(self, sign: Sign) -> bool:
        return not self.words.isdisjoint(sign.words) or any(phrase in self.line for phrase in sign.phrases)


def _sign(words: str, *phrases: str) -> Sign:
    return Sign(frozenset(words.split()), tuple(f" {phrase} " for phrase in phrases))


COMPLAINT: Final = _sign(
    "denied error exception fatal refused timeout failed panic", "not found", "time out", "timed out"
)
ACTED: Final = _sign(
    "fixed solved rollback reverted reverting restart restarted restarting scaled scaling bumped bumping"
    " cleared clearing drained draining rotated rotating renewed renewing flip flipped flipping"
    " switch switched switching disabled disabling enabled enabling killed killing deleted deleting"
    " increased increasing lowered lowering raised raising merged merging paused pausing unblocked"
    " unblocking",
    "rolled back", "rolling back", "failed over", "failing over", "did the trick", "that did it",
)  # fmt: skip
CAUSE: Final = _sign("culprit because", "root cause", "turned out", "caused by")
CALM: Final = _sign("resolved recovered recovering worked", "back to normal", "green again")
INSTEAD: Final = _sign("instead", "from now on", "no longer", "going forward", "proper fix")
FAILED: Final = _sign(
    "nope",
    *(
        f"{did} {verb}"
        for did in ("didn t", "didnt", "did not")
        for verb in ("help", "work", "change")
    ),
    *(f"no {what}" for what in ("change", "luck", "effect")),
    *(f"still {what}" for what in ("firing", "failing", "down", "seeing", "high")),
    "not it", "wrong guess", "wrong lead", "made it worse", "red herring",
)  # fmt: skip
THANKS: Final = _sign(
    "confirmed thanks nice recovered", "that worked", "that did it", "works now", "green again"
)
