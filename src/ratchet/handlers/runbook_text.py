"""A runbook as standard Markdown, every item with a link to what it rests on. Pure."""

from __future__ import annotations

import re
from typing import Final

from ratchet.domain.documents import DocumentHit
from ratchet.domain.messages import Message
from ratchet.handlers.base import Permalinks
from ratchet.handlers.extract import Finding
from ratchet.handlers.runbook_writer import Runbook, Statistics

QUOTE_CHARS: Final = 700
DOCUMENT_CHARS: Final = 1_500
MENTION: Final = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")


def people_in(runbook: Runbook) -> set[str]:
    """User ids of the authors and of whom they mention."""
    messages = [f.message for f in findings(runbook)]
    return {m.sender.id for m in messages} | {u for m in messages for u in MENTION.findall(m.text)}


def findings(runbook: Runbook) -> list[Finding]:
    if runbook.extract is None:
        return []
    return [runbook.extract.last_time, *runbook.extract.steps, *runbook.extract.before]


def to_markdown(runbook: Runbook, people: dict[str, str], permalink: Permalinks) -> str:
    """The one thing that fixed it last time first; then what else there is."""
    lines = [_headline(runbook)]
    if runbook.borrowed:
        lines.append(
            f"_Nothing is known for this service yet; this is from {runbook.service or 'another one'}._"
        )
    if runbook.extract is not None:
        last = runbook.extract.last_time
        lines += ["", f"### What fixed it last time{_cite(last, people, permalink)}"]
        lines += _quote(last.message, people)
    if runbook.document is not None:
        lines += ["", *_document(runbook.document, short=runbook.extract is not None)]
    if runbook.extract is not None:
        for title, found in (
            ("Seen in the same thread", runbook.extract.steps),
            ("Before that", runbook.extract.before),
        ):
            lines += ["", f"**{title}**"] if found else []
            for finding in found:
                lines += ["", *_quote(finding.message, people), f"—{_cite(finding, people, permalink)}"]
    return "\n".join(lines)


def _headline(runbook: Runbook) -> str:
    name = f"**{runbook.alert}**" + (f" on **{runbook.service}**" if runbook.service else "")
    statistics = runbook.statistics
    if statistics is None:
        return f"{name} · I have not seen it fire before."
    return f"{name} · {_how_often(statistics)}{_how_it_ends(statistics)}."


def _document(document: DocumentHit, *, short: bool) -> list[str]:
    """The written page: a link beside what people did, its passage where nobody did anything yet."""
    title = f"[{document.title}]({document.url})" if document.url else f"{document.title} (`{document.id}`)"
    if short:
        return [f"**Written runbook:** {title}"]
    passage = document.passages[0]
    heading = f", {passage.heading}" if passage.heading else ""
    text = passage.text.strip()
    if len(text) > DOCUMENT_CHARS:
        text = text[:DOCUMENT_CHARS].rsplit("\n", 1)[0] + "\n…"
        text += "\n```" if text.count("```") % 2 else ""
    return [f"### The written runbook: {title}{heading}", *(f"> {line}" for line in text.splitlines())]


def _how_often(statistics: Statistics) -> str:
    if statistics.firings == 1:
        return f"fired once before, on {statistics.last:%-d %b %Y}"
    since, last = statistics.since, statistics.last
    return f"fired {statistics.firings} times since {since:%-d %b %Y}, last on {last:%-d %b %Y}"


def _how_it_ends(statistics: Statistics) -> str:
    parts = []
    if statistics.median_open_s is not None:
        parts.append(f"usually over after {duration(statistics.median_open_s)}")
    if statistics.untouched:
        parts.append(f"{statistics.untouched} times nobody had to do anything")
    return "".join(f"; {part}" for part in parts)


def _cite(finding: Finding, people: dict[str, str], permalink: Permalinks) -> str:
    message = finding.message
    author = people.get(message.sender.id) or message.sender.name or "someone"
    link = permalink(message.channel_id, message.ts, message.parent_ts)
    return f" [{author}, {message.posted_at:%-d %b %Y}]({link})"


def _quote(message: Message, people: dict[str, str]) -> list[str]:
    text = MENTION.sub(lambda found: "@" + people.get(found.group(1), "someone"), message.text)
    if len(text) > QUOTE_CHARS:
        text = (
            text[:QUOTE_CHARS].rsplit(None, 1)[0]
            + " …"
            + ("\n```" if text[:QUOTE_CHARS].count("```") % 2 else "")
        )
    return [f"> {line}" for line in text.splitlines() or [""]]


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`, `2 d`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(hours / 24)} d"
