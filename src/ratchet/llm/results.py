"""Tool results that are too large to be read at once: kept for the turn, read in parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import Field

from ratchet.domain.errors import Refused

PART_CHARS: Final = 8_000
FOUND: Final = 8
AROUND_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class ResultPart:
    """`chars` is the length of the whole; `next` where to go on, null at the end."""

    text: str
    chars: int
    next: int | None = None


@dataclass(slots=True)
class Results:
    """Of one turn."""

    limit: int
    kept: dict[str, str] = field(default_factory=dict)

    def shown(self, text: str) -> str:
        """The text; head and tail of a long one, and how to read what lies between."""
        if len(text) <= self.limit:
            return text
        name = f"r{len(self.kept) + 1}"
        self.kept[name] = text
        head, tail = self.limit * 2 // 3, self.limit // 3
        between = f"[… {len(text) - head - tail} characters left out: read_result({name!r}, start={head}) …]"
        return f"{text[:head]}\n{between}\n{text[-tail:]}"

    async def read_result(
        self, result: str, start: Annotated[int, Field(ge=0)] = 0, find: str | None = None
    ) -> ResultPart:
        """Read on in a result of which only head and tail were shown.

        Args:
            result: As it stands where the text was left out, such as "r1".
            start: The character to begin at.
            find: Instead of reading on: the places where these words stand, whatever their case.
        """
        text = self.kept.get(result)
        if text is None:
            known = ", ".join(self.kept) or "none"
            raise Refused(f"No result {result!r} was cut in this turn; there are: {known}.")
        if find:
            return self._found(text, find, start)
        end = start + PART_CHARS
        return ResultPart(text[start:end], len(text), end if end < len(text) else None)

    def _found(self, text: str, words: str, start: int) -> ResultPart:
        lower, wanted, places = text.lower(), words.lower(), list[int]()
        at = lower.find(wanted, start)
        while at >= 0 and len(places) < FOUND:
            places.append(at)
            at = lower.find(wanted, at + max(len(wanted), AROUND_CHARS))
        if not places:
            raise Refused(f"{words!r} does not stand in that result after character {start}.")
        around = [f"[{at}] {text[max(0, at - AROUND_CHARS) : at + AROUND_CHARS]}" for at in places]
        return ResultPart("\n…\n".join(around), len(text), places[-1] + 1 if at >= 0 else None)
