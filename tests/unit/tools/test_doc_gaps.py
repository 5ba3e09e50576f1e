"""The tool `doc_gaps`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from ratchet.domain.errors import Refused
from ratchet.domain.gaps import Compared, HelpRows
from ratchet.domain.messages import MessageRef
from ratchet.tools import builtin
from ratchet.tools.doc_gaps import DocGapsTool
from tests.unit.reports import gap_support
from tests.unit.tools.test_tools import DEPS


@dataclass
class Threads:
    """Remembers whose threads were asked for, from where."""

    asked: list[tuple[Sequence[str] | None, str]] = field(default_factory=list)

    async def help_rows(
        self, channel_ids: Sequence[str] | None, *, visible_from: str, since: datetime, until: datetime
    ) -> HelpRows:
        self.asked.append((channel_ids, visible_from))
        question = gap_support.said(0, "UANA", "How do I run Kafka locally?", channel="C0OPS")
        answer = gap_support.said(1, "UBO", "`make kafka-up`", channel="C0OPS")
        return HelpRows(since, until, [gap_support.thread(question, answer)], {"C0OPS": "ops"})

    async def compared(self, refs: Sequence[MessageRef], addresses: Sequence[str]) -> Compared:
        return Compared()


async def test_the_list_is_of_the_channel_in_which_it_is_asked_with_links() -> None:
    threads = Threads()
    found = await DocGapsTool(DEPS, threads, "C0OPS").doc_gaps()
    assert "How do I run Kafka locally?" in found.markdown
    assert all(link in found.markdown for link in found.permalinks)
    assert threads.asked == [(["C0OPS"], "C0OPS")]
    await DocGapsTool(DEPS, threads, "").doc_gaps()
    assert threads.asked[-1] == (None, "")


async def test_a_private_channel_is_none_elsewhere() -> None:
    with pytest.raises(Refused):
        await DocGapsTool(DEPS, Threads(), "C0OPS").doc_gaps("G0SEC")


def test_it_is_offered_where_threads_can_be_read() -> None:
    assert builtin(replace(DEPS, gaps=Threads()), "C0OPS")[-1].name == "doc_gaps"
