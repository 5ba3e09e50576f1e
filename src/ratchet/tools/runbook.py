"""The tool `runbook`."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.domain.errors import Refused
from ratchet.llm.data import cut
from ratchet.tools.base import RunbookReader

SHOWN_CHARS = 8_000


@dataclass(frozen=True, slots=True)
class RunbookResult:
    """`permalinks` are those of the messages and pages that it rests on, as `markdown` has them."""

    markdown: str
    permalinks: tuple[str, ...]
    pinned: bool


@dataclass(frozen=True, slots=True)
class RunbookTool:
    runbooks: RunbookReader
    asked_in: str

    async def runbook(self, alert: str, service: str | None = None) -> RunbookResult:
        """What fixed an alert before: the runbook from the triage under its earlier firings.

        Args:
            alert: Exact name of the alert.
            service: Exact name of the service, when one is meant.
        """
        told = await self.runbooks.told(service, alert, self.asked_in)
        if told is None:
            raise Refused(f"Nothing is known about {alert!r}. Look for its exact name with `incidents`.")
        return RunbookResult(cut(told.markdown, SHOWN_CHARS), told.links, told.pinned)
