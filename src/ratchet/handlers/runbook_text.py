"""A runbook as standard Markdown, every item with a link to what it rests on. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ratchet.domain.documents import DocumentHit, Passage
from ratchet.domain.messages import Message
from ratchet.domain.runbooks import Item
from ratchet.handlers.base import Permalinks
from ratchet.handlers.citations import channels_named
from ratchet.handlers.evidence import Statistics
from ratchet.handlers.runbook_writer import Runbook

QUOTE_CHARS: Final = 700
DOCUMENT_CHARS: Final = 1_500
# A numbered or ticked list, a block of code, or a command in a line.
_STEP: Final = re.compile(
    r"^\s{0,3}(?:\d{1,2}[.)]|- \[)\s|```|`[a-z][\w./-]{0,60} [^`\n]{1,400}`", re.MULTILINE
)
MENTION: Final = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")


def people_in(runbook: Runbook) -> set[str]:
    """User ids of the authors, of whom they mention, and of who wrote the runbook."""
    cited = [runbook.messages[ref] for ref in runbook.content.messages()]
    people = {m.sender.id for m in cited} | {u for m in cited for u in MENTION.findall(m.text)}
    return people | ({runbook.author} if runbook.writer == "person" else set())


@dataclass(frozen=True, slots=True)
class Words:
    """Puts items into words. `people` maps user ids to names."""

    runbook: Runbook
    people: dict[str, str]
    permalink: Permalinks

    def heading(self, title: str, item: Item) -> list[str]:
        """The one thing, large, with its author in the title."""
        if not item.quoted:
            return [f"### {title}", f"{item.text}{self.cited(item)}"]
        return [f"### {title} {self._cite(self._of(item))}", *_quote(self._of(item), self.people)]

    def listed(self, item: Item) -> list[str]:
        if not item.quoted:
            return [f"- {item.text}{self.cited(item)}"]
        message = self._of(item)
        return ["", *_quote(message, self.people), f"— {self._cite(message)}"]

    def cited(self, item: Item) -> str:
        """What it rests on, in brackets."""
        links = [self._cite(self.runbook.messages[ref]) for ref in item.messages]
        links += [_document_link(self.runbook, id_) for id_ in item.documents]
        return f" ({', '.join(links)})"

    def _of(self, item: Item) -> Message:
        return self.runbook.messages[item.messages[0]]

    def _cite(self, message: Message) -> str:
        author = self.people.get(message.sender.id) or message.sender.name or "someone"
        link = self.permalink(message.channel_id, message.ts, message.parent_ts)
        return f"[{author}, {message.posted_at:%-d %b %Y}]({link})"


def addresses(runbook: Runbook, permalink: Permalinks) -> tuple[str, ...]:
    """Every address that the words of a runbook may link to, as they link to it."""
    cited = [runbook.messages[ref] for ref in sorted(runbook.content.messages())]
    links = [permalink(message.channel_id, message.ts, message.parent_ts) for message in cited]
    pages = [id_ for item in runbook.content.items() for id_ in item.documents if "://" in id_]
    document = runbook.evidence.document if runbook.evidence else None
    own = [document.url] if document and document.url else []
    return tuple(dict.fromkeys([*links, *own, *pages]))


def to_markdown(runbook: Runbook, people: dict[str, str], permalink: Permalinks) -> str:
    """The one thing that fixed it last time first; then what else there is."""
    words, content = Words(runbook, people, permalink), runbook.content
    evidence = runbook.evidence
    lines = [_headline(runbook), *_notes(runbook, people)]
    if content.overview is not None:
        lines += [f"{content.overview.text}{words.cited(content.overview)}"]
    if content.last_fix is not None:
        title = "The fix" if runbook.writer == "person" else "What fixed it last time"
        lines += ["", *words.heading(title, content.last_fix)]
    if evidence is not None and evidence.document is not None:
        lines += ["", *_document(evidence.document, short=bool(content))]
    quoted = any(item.quoted for item in content.steps)
    for title, items in (
        ("Root causes", content.causes),
        ("Seen in the same thread" if quoted else "Steps", content.steps),
        ("Before that", content.earlier),
        ("Links", content.links),
    ):
        lines += ["", f"**{title}**"] if items else []
        for item in items:
            lines += words.listed(item)
    return "\n".join(lines)


def _headline(runbook: Runbook) -> str:
    name = f"**{runbook.alert}**" + (f" on **{runbook.service}**" if runbook.service else "")
    evidence = runbook.evidence
    if evidence is None:
        return name
    statistics = evidence.statistics
    known = [f"{_how_often(statistics)}{_how_it_ends(statistics)}"] if statistics else []
    if evidence.origin == "other service" and runbook.service:
        known.append("I have seen no triage of it on this service")
    return f"{name} · {'; '.join(known) or 'I have not seen it fire before'}."


def _notes(runbook: Runbook, people: dict[str, str]) -> list[str]:
    """Whose words these are, when they are not what people wrote under this very alert."""
    evidence = runbook.evidence
    if runbook.writer == "person":
        return [f"_Set by {people.get(runbook.author) or 'someone'}; version {runbook.version}._"]
    if runbook.pinned:
        return [f"_Pinned; version {runbook.version}._"]
    if evidence is None or evidence.origin == "same":
        return []
    service = evidence.from_service
    if evidence.origin == "similar":
        name = f"**{evidence.from_alert}**" + (f" on {service}" if service else "")
        return [f"_This is from {name}, which looks alike. Check that it fits._"]
    if runbook.service is None:
        return [f"_This is from {service or 'a service without a name'}._"]
    return [f"_Nothing is known for this service yet; this is from {service or 'another one'}._"]


def _document_link(runbook: Runbook, id_: str) -> str:
    document = runbook.evidence.document if runbook.evidence else None
    if document is not None and document.id == id_:
        return f"[{document.title}]({document.url})" if document.url else document.title
    return f"[documentation]({id_})" if "://" in id_ else f"`{id_}`"


def _document(document: DocumentHit, *, short: bool) -> list[str]:
    """The written page: a link beside what people did; what it says to do where nobody did anything yet."""
    title = f"[{document.title}]({document.url})" if document.url else f"{document.title} (`{document.id}`)"
    if short:
        return [f"**Written runbook:** {title}"]
    lines = [f"### The written runbook: {title}"]
    left = DOCUMENT_CHARS
    for passage in _to_do(document.passages):
        text = _within(passage.text.strip(), left)
        if not text:
            break
        left -= len(text)
        lines += [">", f"> **{passage.heading}**"] if passage.heading else [">"]
        lines += [f"> {line}" for line in text.splitlines()]
    return lines


def _to_do(passages: Sequence[Passage]) -> Sequence[Passage]:
    """From the first passage on that says what to do: why the alert exists is no help at night."""
    first = next((n for n, passage in enumerate(passages) if _STEP.search(passage.text)), 0)
    return passages[first:]


def _within(text: str, limit: int) -> str:
    """Whole lines, at most about `limit` characters, every code block closed."""
    if len(text) <= limit:
        return text
    text = text[: max(0, limit)].rpartition("\n")[0].rstrip()
    return f"{text}\n```\n…" if text.count("```") % 2 else f"{text}\n…" if text else ""


def _how_often(statistics: Statistics) -> str:
    if statistics.firings == 1:
        return f"fired once, on {statistics.last:%-d %b %Y}"
    since, last = statistics.since, statistics.last
    return f"fired {statistics.firings} times since {since:%-d %b %Y}, last on {last:%-d %b %Y}"


def _how_it_ends(statistics: Statistics) -> str:
    parts = []
    if statistics.median_open_s is not None:
        parts.append(f"usually over after {duration(statistics.median_open_s)}")
    if statistics.untouched:
        parts.append(f"{statistics.untouched} times nobody had to do anything")
    return "".join(f"; {part}" for part in parts)


def _quote(message: Message, people: dict[str, str]) -> list[str]:
    text = MENTION.sub(lambda found: "@" + people.get(found.group(1), "someone"), message.text)
    text = channels_named(text, {})
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
