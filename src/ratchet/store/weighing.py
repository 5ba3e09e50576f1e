"""What a word counts for in a text, as in BM25, from what PostgreSQL's `ts_rank` says of it. Pure.

With equal weights `ts_rank` of one word that occurs n times is r = (1 + 1/4 + … + 1/n²) / (π²/6): .61, .76, .83, .87,
nearly n / (n + .65). So r / (r + (1 - r) · k) is nearly n / (n + .65 k), which is BM25's form; its k grows with the
length of the text, and a rare word's inverse frequency multiplies it. By `ts_rank` alone, which takes little account
of lengths and of nothing else, pages were found much worse: see docs/search.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

# A word counts the same wherever it stands: places are weighed apart.
FLAT: Final = [1.0, 1.0, 1.0, 1.0]


@dataclass(frozen=True, slots=True)
class Weighing:
    """k of a text is `any_length` + `each_byte` · its bytes."""

    any_length: float
    each_byte: float

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of a query."""
        return {"flat": FLAT, "any_length": self.any_length, "each_byte": self.each_byte}
