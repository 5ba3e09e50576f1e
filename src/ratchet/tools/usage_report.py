"""The tool `usage_report`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from ratchet.reports.usage import usage_report
from ratchet.reports.usage_text import markdown
from ratchet.tools.base import ToolDeps


@dataclass(frozen=True, slots=True)
class UsageResult:
    """`markdown` can be posted as it is."""

    markdown: str


@dataclass(frozen=True, slots=True)
class UsageReportTool:
    deps: ToolDeps
    asked_in: str

    async def usage_report(self, days: Annotated[int, Field(ge=1, le=90)] = 7) -> UsageResult:
        """Report what Ratchet itself did: answers, their 👍 and 👎, model requests, tokens, cost, approvals.

        Args:
            days: How many days up to now.
        """
        reader, now = self.deps.reader, self.deps.clock()
        rows = await reader.usage_rows(now - timedelta(days=days), now, visible_from=self.asked_in)
        return UsageResult(markdown(usage_report(rows)))
