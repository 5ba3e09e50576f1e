"""The list of documentation gaps as Markdown, within one Slack message, and as JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ratchet.domain.gaps import HelpRows, ThreadMessage
from ratchet.reports.channel_text import code, count
from ratchet.reports.gaps import Asked, Gap, GapReport, Links, Point, Proposal, Section
from ratchet.reports.help import title
from ratchet.reports.stale import Kind, StaleHint

SHOWN_GAPS: Final = 5
SHOWN_ONCE: Final = 6
SHOWN_EXAMPLES: Final = 3
SHOWN_UNANSWERED: Final = 5
SHOWN_STALE: Final = 5
MAX_POINT: Final = 220
AGAINST: Final[Mapping[Kind, str]] = {
    "wrong": "somebody says that it is wrong",
    "missing": "somebody misses something in it",
    "marked": "an answer that links it is marked",
    "contradicted": "an answer says otherwise",
}
_SPECIAL: Final = re.compile(r"[\[\]()<>*_|#~]+")
_CODE: Final = re.compile(r"(`[^`\n]{1,400}`)")
_MENTION: Final = re.compile(r"<[@!#][^>|\n]{0,60}(?:\|(?P<label>[^>\n]{0,60}))?>")
_LINK: Final = re.compile(r"<https?://[^>|\n]{1,2000}(?:\|(?P<label>[^>\n]{0,200}))?>|https?://\S{1,2000}")


def markdown(report: GapReport, rows: HelpRows, links: Links) -> str:
    """The list as standard Markdown."""
    writer = _Writer(rows, links)
    parts = [
        writer.headline(report),
        writer.again(report.again),
        writer.once(report.once),
        writer.unanswered(report.unanswered),
        writer.stale(report.stale),
        "_There were more threads than a list reads; the oldest are left out._" if report.cut else "",
    ]
    return "\n\n".join(part for part in parts if part)


class _Writer:
    def __init__(self, rows: HelpRows, links: Links) -> None:
        self._rows = rows
        self._links = links

    def headline(self, report: GapReport) -> str:
        where = self._where()
        if not report.questions:
            return f"Nobody asked anything{where} in {count(report.days, 'day')}."
        open_ = report.questions - report.documented
        return (
            f"**{count(report.questions, 'question')}**{where} in {count(report.days, 'day')}: "
            f"{report.documented} are answered by a document, **{open_} by none**, "
            f"{len(report.again)} of those were asked again and again."
            if report.again
            else f"**{count(report.questions, 'question')}**{where} in {count(report.days, 'day')}: "
            f"{report.documented} are answered by a document, **{open_} by none**; none was asked twice."
        )

    def again(self, gaps: Sequence[Gap]) -> str:
        if not gaps:
            return ""
        shown = [self._gap(number, gap) for number, gap in enumerate(gaps[:SHOWN_GAPS], 1)]
        return "\n".join(
            ["**Asked again and again, and no document answers**", *shown, *_rest(gaps, SHOWN_GAPS)]
        )

    def _gap(self, number: int, gap: Gap) -> str:
        lines = [
            f"{number}. **{safe(gap.proposal.title)}** – asked {len(gap.questions)} times by "
            f"{count(gap.askers, 'person') if gap.askers == 1 else f'{gap.askers} people'}, "
            f"last on {gap.last_at:%Y-%m-%d}{self._by(gap)}",
        ]
        lines += [f"   - {self._asked(one)}" for one in gap.questions[:SHOWN_EXAMPLES]]
        lines.append(f"   - **Page**: {self._proposed(gap.proposal)}")
        lines += [f"     - {line}" for section in gap.proposal.outline[1:] for line in self._section(section)]
        return "\n".join(lines)

    def once(self, gaps: Sequence[Gap]) -> str:
        if not gaps:
            return ""
        shown = []
        for gap in gaps[:SHOWN_ONCE]:
            near = gap.proposal.add_to
            place = f" → could be added to {code(near.page.title)}" if near else ""
            shown.append(f"- {self._asked(gap.questions[0])}{self._by(gap)}{place}")
        return "\n".join(["**Answered by people, written nowhere**", *shown, *_rest(gaps, SHOWN_ONCE)])

    def unanswered(self, asked: Sequence[Asked]) -> str:
        if not asked:
            return ""
        shown = [f"- {self._asked(one)}" for one in asked[:SHOWN_UNANSWERED]]
        return "\n".join(["**Nobody answered**", *shown, *_rest(asked, SHOWN_UNANSWERED)])

    def stale(self, hints: Sequence[StaleHint]) -> str:
        if not hints:
            return ""
        shown = [
            f"- {self._page(hint)}: {AGAINST[hint.kind]}: “{safe(cut(hint.quote, MAX_POINT))}” "
            f"({self._link(hint.message, hint.thread_ts, 'message')})"
            for hint in hints[:SHOWN_STALE]
        ]
        return "\n".join(["**Pages that may be out of date**", *shown, *_rest(hints, SHOWN_STALE)])

    def _page(self, hint: StaleHint) -> str:
        return f"[{safe(hint.page.title)}]({hint.page.url})" if hint.page.url else code(hint.page.path)

    def _asked(self, asked: Asked) -> str:
        """The question as a link to its thread, with the day."""
        link = self._link(asked.root, asked.root.ts, title(asked.root.text))
        return f"{link} ({asked.root.posted_at:%Y-%m-%d}{self._channel(asked.root)})"

    def _link(self, message: ThreadMessage, thread_ts: str, label: str) -> str:
        return f"[{safe(label)}]({self._links(message.channel_id, message.ts, thread_ts)})"

    def _section(self, section: Section) -> list[str]:
        return [
            f"{safe_code(cut(one.text, MAX_POINT))} ({self._link(one.message, one.thread_ts, 'answer')})"
            for one in section.points
        ]

    def _proposed(self, page: Proposal) -> str:
        by = f", outlined by {code(page.by_model)}" if page.by_model else ""
        if page.add_to is not None:
            heading = f" › {page.add_to.heading}" if page.add_to.heading else ""
            return (
                f"a section in {code(page.add_to.page.title + heading)} ({code(page.add_to.page.path)}){by}"
            )
        return f"a new one, {code(page.path)}{by}"

    def _by(self, gap: Gap) -> str:
        if not gap.answered_by:
            return "; nobody answered"
        people = ", ".join(
            safe(self._rows.people.get(who) or "somebody") + (f" × {times}" if times > 1 else "")
            for who, times in gap.answered_by[:3]
        )
        return f"; answered by {people}"

    def _channel(self, message: ThreadMessage) -> str:
        name = self._rows.channels.get(message.channel_id, "")
        return f", #{safe(name)}" if len(self._rows.channels) > 1 and name else ""

    def _where(self) -> str:
        names = [name for name in self._rows.channels.values() if name]
        return f" in #{safe(names[0])}" if len(self._rows.channels) == 1 and names else ""


def as_json(report: GapReport, rows: HelpRows, links: Links) -> dict[str, Any]:
    """Everything, with permalinks."""

    def message(one: ThreadMessage, thread_ts: str) -> dict[str, Any]:
        return {
            "channel_id": one.channel_id,
            "ts": one.ts,
            "author": rows.people.get(one.author, ""),
            "text": one.text,
            "permalink": links(one.channel_id, one.ts, thread_ts),
        }

    def asked(one: Asked) -> dict[str, Any]:
        reply = one.answer.reply if one.answer else None
        return {
            "question": message(one.root, one.root.ts),
            "answer": message(reply, one.root.ts) if reply else None,
            "confirmed": bool(one.answer and one.answer.confirmed),
        }

    def gap(one: Gap) -> dict[str, Any]:
        return {
            "questions": [asked(question) for question in one.questions],
            "askers": one.askers,
            "last_at": one.last_at.isoformat(),
            "answered_by": [{"name": rows.people.get(who, ""), "answers": n} for who, n in one.answered_by],
            "page": _proposal(one.proposal, message),
        }

    return {
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "channels": [{"id": id_, "name": name} for id_, name in rows.channels.items()],
        "questions": report.questions,
        "documented": report.documented,
        "again": [gap(one) for one in report.again],
        "once": [gap(one) for one in report.once],
        "unanswered": [asked(one) for one in report.unanswered],
        "stale": [
            {
                "kind": hint.kind,
                "page": {"source": hint.page.source, "path": hint.page.path, "url": hint.page.url},
                "quote": hint.quote,
                "message": message(hint.message, hint.thread_ts),
            }
            for hint in report.stale
        ],
        "cut": report.cut,
    }


def _proposal(page: Proposal, message: Any) -> dict[str, Any]:
    near = page.add_to

    def point(one: Point) -> dict[str, Any]:
        return {"text": one.text, "message": message(one.message, one.thread_ts)}

    return {
        "title": page.title,
        "path": near.page.path if near else page.path,
        "new": near is None,
        "source": near.page.source if near else None,
        "heading": near.heading if near else "",
        "written_by": page.by_model or "rules",
        "outline": [
            {
                "heading": section.heading,
                "points": [point(one) for one in section.points],
            }
            for section in page.outline
        ],
    }


def cut(text: str, most: int) -> str:
    """One line of at most so many characters."""
    words = " ".join(text.split())
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"


def safe(text: str) -> str:
    """Somebody's text in which nothing is markup, a link or a mention."""
    said = _MENTION.sub(lambda m: m["label"] or "somebody", _LINK.sub(lambda m: m["label"] or "(link)", text))
    return " ".join(_SPECIAL.sub(" ", said.replace("`", "")).split())


def safe_code(text: str) -> str:
    """The same, with inline code as it was written: that is what people copy."""
    parts = _CODE.split(text)
    kept = (part if place % 2 else safe(part) for place, part in enumerate(parts))
    return " ".join(part for part in kept if part)


def _rest(rows: Sequence[object], shown: int) -> list[str]:
    return [f"- and {len(rows) - shown} more"] if len(rows) > shown else []
