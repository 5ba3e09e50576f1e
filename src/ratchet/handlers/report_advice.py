"""What to change, by a model, from the threads of a report. What cites none of them is dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final

import structlog

from ratchet.domain.errors import RatchetError
from ratchet.handlers.quotes import plain
from ratchet.llm.budget import Budget
from ratchet.llm.data import cut, wrap
from ratchet.llm.turn import JsonRunner, JsonTurn
from ratchet.reports.channel import ChannelReport
from ratchet.reports.channel_text import Links, markdown
from ratchet.reports.channel_threads import RawThread

log = structlog.get_logger(__name__)

SECONDS: Final = 60.0
MAX_SUGGESTIONS: Final = 3
SUGGESTION_CHARS: Final = 400
THREAD_CHARS: Final = 1_500
REPORT_CHARS: Final = 6_000
TITLE: Final = "**What the threads suggest**"


@dataclass(frozen=True)
class Suggestion:
    """One thing to change."""

    text: str
    threads: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Advice:
    """What to change."""

    suggestions: list[Suggestion] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReportAdviser:
    """Asks in one request; a model that is away, or says nothing usable, costs the report nothing."""

    runner: JsonRunner

    async def advise(self, report: ChannelReport, links: Links) -> str:
        """See `pipeline.scheduled_reports.Adviser`."""
        given = {f"t{number}": thread for number, thread in enumerate(report.threads, 1)}
        if not given:
            return ""
        turn = JsonTurn(
            instructions(),
            prompt(report, given),
            Advice,
            Budget(requests=1, seconds=SECONDS, answer_tokens=800),
            purpose="report",
            channel_id=report.channel_id,
        )
        try:
            result = await self.runner.run_json(turn)
        except RatchetError as error:
            log.warning("report_without_model", channel=report.channel_id, reason=str(error))
            return ""
        return told(result.value.suggestions, given, links)


@cache
def instructions() -> str:
    return (resources.files("ratchet.handlers") / "prompts" / "report_advice.md").read_text("utf-8").strip()


def prompt(report: ChannelReport, given: Mapping[str, RawThread]) -> str:
    """The report, then each thread under its id."""
    parts = [wrap("report", cut(markdown(report, lambda ts, root: ""), REPORT_CHARS))]
    parts += [wrap(f"thread {name}", cut(_said(thread), THREAD_CHARS)) for name, thread in given.items()]
    return "\n\n".join(parts)


def told(suggestions: Sequence[Suggestion], given: Mapping[str, RawThread], links: Links) -> str:
    """As Markdown; what cites no thread that was given is left out, and nobody's words become markup."""
    lines = []
    for one in suggestions[:MAX_SUGGESTIONS]:
        cited = [given[name] for name in dict.fromkeys(one.threads) if name in given][:3]
        text = plain(" ".join(one.text.split()))[:SUGGESTION_CHARS].strip()
        if cited and text:
            marks = " ".join(f"[thread]({links(thread.ts, thread.root_ts)})" for thread in cited)
            lines.append(f"- {text} {marks}")
    return "\n".join([TITLE, *lines]) if lines else ""


def _said(thread: RawThread) -> str:
    head = " of ".join(filter(None, [thread.alert or "an alert", thread.service]))
    return "\n".join([head, *(f"+{reply.minutes} min: {reply.text}" for reply in thread.replies)])
