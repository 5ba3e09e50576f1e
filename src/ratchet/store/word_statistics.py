"""How common words are in a table: from PostgreSQL's own statistics, counted where there are none yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, LiteralString

from psycopg.rows import tuple_row

from ratchet.store.pool import Connection
from ratchet.store.terms import Statistics, quoted

MAX_COUNTED: Final = 20_000
AGE_S: Final = 60.0


@dataclass(slots=True)
class WordStatistics:
    """Of one table, at most a minute old. `clock` gives seconds, from any start.

    `read` selects one row: how many rows there are, words, their frequencies, and bounds of times of equal
    numbers of rows. `rows` counts rows and `terms` those of each of `lexemes` by `queries`, both to `most`.
    """

    read: LiteralString
    rows: LiteralString
    terms: LiteralString
    clock: Callable[[], float] = time.monotonic
    _known: Statistics | None = field(default=None, init=False)

    async def of(self, conn: Connection, parsed: Sequence[Sequence[str]]) -> Statistics:
        """At least of these lexemes."""
        if self._known is None or self.clock() - self._known.taken_at > AGE_S:
            self._known = await read_statistics(conn, self.read, self.clock())
        if self._known.frequencies:
            return self._known
        return await self._count(conn, sorted({lexeme for found in parsed for lexeme in found}))

    def forget(self) -> None:
        self._known = None

    async def _count(self, conn: Connection, wanted: Sequence[str]) -> Statistics:
        queries = [quoted(lexeme) for lexeme in wanted]
        async with conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(self.rows, {"most": MAX_COUNTED})
            rows = (await cur.fetchone() or (0,))[0]
            await cur.execute(self.terms, {"lexemes": list(wanted), "queries": queries, "most": MAX_COUNTED})
            counts = await cur.fetchall()
        return Statistics(rows, {lexeme: count / max(rows, 1) for lexeme, count in counts})


async def read_statistics(conn: Connection, statement: LiteralString, now: float) -> Statistics:
    async with conn.cursor(row_factory=tuple_row) as cur:
        row = await (await cur.execute(statement)).fetchone()
    rows, words, frequencies, times = row or (0.0, [], [], [])
    by_word = dict(zip(words, frequencies, strict=False))
    return Statistics(rows, by_word, times, now, min(by_word.values(), default=0.0))
