"""The tool `runbook`."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.domain.errors import Refused
from ratchet.domain.messages import MessageRef
from ratchet.llm.data import cut
from ratchet.tools.base import RunbookReader, ToolDeps

SHOWN_CHARS = 8_000


@dataclass(frozen=True, slots=True)
class RunbookResult:
    """`permalinks` are those of the messages that it rests on."""

    markdown: str
    permalinks: tuple[str, ...]
    pinned: bool


@dataclass(frozen=True, slots=True)
class RunbookTool:
    deps: ToolDeps
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
        items = [
            item
            for value in told.content.values()
            for item in (value if isinstance(value, list | tuple) else [value])
            if item
        ]
        refs = {MessageRef(ref["channel_id"], ref["ts"]) for item in items for ref in item["messages"]}
        links = tuple(self.deps.links(ref.channel_id, ref.ts) for ref in sorted(refs))
        return RunbookResult(cut(told.markdown, SHOWN_CHARS), links, told.pinned)
