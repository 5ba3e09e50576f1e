"""Proposed pages and contradictions by a model; nothing is believed that nobody wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Final, TypeVar

import structlog

from ratchet.domain.errors import RatchetError
from ratchet.domain.gaps import ThreadMessage
from ratchet.handlers.citations import Known, clean, urls
from ratchet.llm.budget import Budget
from ratchet.llm.data import cut, wrap
from ratchet.llm.redact import Redactor, redact
from ratchet.llm.turn import JsonRunner, JsonTurn
from ratchet.reports.gaps import Asked, Gap, GapReport, Point, Section
from ratchet.reports.stale import StaleHint

T = TypeVar("T")
log = structlog.get_logger(__name__)

# Of a list, so many are given to the model, the most asked first.
PAGES: Final = 3
JUDGED: Final = 5
MESSAGE_CHARS: Final = 1_200
PAGE_CHARS: Final = 6_000
SHOWN: Final = 6
MAX_TITLE: Final = 100
MAX_TEXT: Final = 400
MIN_QUOTE: Final = 8
SECONDS: Final = 45.0
_CODE: Final = re.compile(r"`([^`\n]{1,400})`")


@dataclass(frozen=True)
class PageLine:
    """One thing that the messages say, and the ids of the messages that say it."""

    text: str
    cites: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PageSection:
    heading: str
    lines: list[PageLine] = field(default_factory=list)


@dataclass(frozen=True)
class PageAnswer:
    """The outline of a page."""

    title: str
    sections: list[PageSection] = field(default_factory=list)


@dataclass(frozen=True)
class Contradiction:
    """Whether the answer says otherwise than the page, with both passages word for word."""

    contradicts: bool
    answer_says: str = ""
    page_says: str = ""


@dataclass(frozen=True, slots=True)
class GapModel:
    """Satisfies `ratchet.tools.doc_gaps.GapWriter`."""

    runner: JsonRunner
    redactor: Redactor = redact

    async def written(self, report: GapReport, channel_id: str | None) -> GapReport:
        """The report with the first pages written by the model, and contradictions; as it was without it."""
        again = [await self._page(gap, channel_id) for gap in report.again[:PAGES]]
        found = [await self._stale(one, channel_id) for one in answered_by_page(report)]
        hints = [hint for hint in found if hint is not None]
        stale = sorted([*hints, *report.stale], key=lambda hint: hint.message.ts, reverse=True)
        return replace(report, again=(*again, *report.again[PAGES:]), stale=tuple(stale))

    async def _page(self, gap: Gap, channel_id: str | None) -> Gap:
        given = pieces(gap.questions)
        shown = "\n\n".join(
            f"{name}:\n{wrap('message', cut(self.redactor(one.text), MESSAGE_CHARS))}"
            for name, (one, _) in given.items()
        )
        answer = await self._ask(text_of("gap_page"), shown, PageAnswer, channel_id)
        page = checked(answer, given, self.redactor) if answer is not None else None
        if page is None:
            return gap
        title, outline = page
        written = replace(gap.proposal, title=title, outline=outline, by_model=self.runner.model)
        return replace(gap, proposal=written)

    async def _stale(self, asked: Asked, channel_id: str | None) -> StaleHint | None:
        answer, found = asked.answer, asked.documented
        assert answer is not None
        assert found is not None
        page, said = self.redactor(found.page.text), self.redactor(answer.reply.text)
        shown = f"{wrap('page', cut(page, PAGE_CHARS))}\n\n{wrap('answer', cut(said, MESSAGE_CHARS))}"
        judged = await self._ask(text_of("stale"), shown, Contradiction, channel_id)
        if judged is None or not judged.contradicts:
            return None
        quotes = ((said, judged.answer_says), (page, judged.page_says))
        if not all(len(quote) >= MIN_QUOTE and _holds(text, quote) for text, quote in quotes):
            log.info("contradiction_unproven", page=found.page.id)
            return None
        quote = judged.answer_says[:MAX_TEXT]
        return StaleHint("contradicted", found.page, answer.reply, asked.root.ts, quote)

    async def _ask(self, instructions: str, prompt: str, answer: type[T], channel_id: str | None) -> T | None:
        """None when the model is away, or did not answer so."""
        turn = JsonTurn(
            instructions,
            prompt,
            answer,
            Budget(requests=1, seconds=SECONDS, answer_tokens=1_200),
            purpose="doc_gaps",
            channel_id=channel_id,
        )
        try:
            return (await self.runner.run_json(turn)).value
        except RatchetError as error:
            log.warning("gaps_without_model", reason=str(error))
            return None


@cache
def text_of(name: str) -> str:
    return (resources.files("ratchet.handlers") / "prompts" / f"{name}.md").read_text("utf-8").strip()


def answered_by_page(report: GapReport) -> list[Asked]:
    """The newest answers beside which stands a page that is about the same, and that nobody linked."""
    return [one for one in report.beside if one.answer and one.documented][:JUDGED]


def pieces(questions: Sequence[Asked]) -> dict[str, tuple[ThreadMessage, str]]:
    """What the model is shown, by the name it may cite; each with the ts of its thread."""
    found: dict[str, tuple[ThreadMessage, str]] = {}
    for number, one in enumerate(questions[:SHOWN], 1):
        found[f"Q{number}"] = (one.root, one.root.ts)
        if one.answer is not None:
            found[f"A{number}"] = (one.answer.reply, one.root.ts)
    return found


def checked(
    answer: PageAnswer, given: dict[str, tuple[ThreadMessage, str]], redactor: Redactor
) -> tuple[str, tuple[Section, ...]] | None:
    """Title and outline of what the cited messages bear out; None when no line is left."""
    sections = []
    for section in answer.sections:
        points = [point for line in section.lines if (point := _point(line, given, redactor)) is not None]
        if points:
            sections.append(Section(_plain(section.heading), tuple(points)))
    title = _plain(answer.title)
    # The first section stands for the questions, as in a page by rules.
    asked = Section("What people ask", ())
    return (title, (asked, *sections)) if title and sections else None


def _point(line: PageLine, given: dict[str, tuple[ThreadMessage, str]], redactor: Redactor) -> Point | None:
    cited = [given[name] for name in line.cites if name in given]
    if not cited or len(line.text) > MAX_TEXT:
        return None
    said = "\n".join(one.text for one, _ in cited)
    if not all(_holds(said, code) for code in _CODE.findall(line.text)):
        return None
    message, thread_ts = cited[0]
    return Point(clean(redactor(line.text), Known(urls=frozenset(urls([said])))), message, thread_ts)


def _plain(text: str) -> str:
    return " ".join(clean(text, Known()).split())[:MAX_TITLE]


def _holds(text: str, quote: str) -> bool:
    """Whether a quote stands in a text, spaces aside."""
    wanted = " ".join(quote.split())
    return bool(wanted) and wanted in " ".join(text.split())
