"""What a model says without a source: backed by what was found, or owned up to as not known.

An answer that links something stands. Of one that links nothing, every command and name must stand in what
the turn read, and much of the rest: then its sources are put under it. Else it is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ratchet.domain.effects import Reply
from ratchet.domain.messages import Message
from ratchet.handlers.citations import Known, cites, clean, urls
from ratchet.handlers.pages import worth_citing
from ratchet.handlers.questions import abstains, small_talk
from ratchet.handlers.quotes import passage, plain, words, worth_quoting
from ratchet.llm.redact import Redactor, redact
from ratchet.llm.turn import ToolResult
from ratchet.tools.asking import Asking
from ratchet.tools.base import DocumentReader, MessageSearch, Permalinks, author, link_to

UNKNOWN: Final = "I do not know: nothing that I may read from this channel says so."
CLOSEST: Final = "Closest to it:"
UNFINISHED: Final = "I ran out of time before an answer was ready. What I had found by then:"
SOURCES: Final = "This rests on:"
LINKS: Final = 3
# How much of what names a source is shown: of a time the date.
SHOWN: Final = {"time": 10, "title": 120}
SEARCHED: Final = 20
# Of the words of an answer without any name or command, this share must have been read.
SHARE: Final = 0.5
FEWEST: Final = 2

_CODE: Final = re.compile(r"```(.*?)(?:```|\Z)|`([^`\n]*)`", re.DOTALL)
# What somebody could type, or look up: with a digit, a sign or a capital within.
_NAME: Final = re.compile(r"[A-Za-z0-9][\w./:@-]{1,80}[A-Za-z0-9]")
_NAMELIKE: Final = re.compile(r"[a-z][A-Z]|[A-Za-z][\d_./:@-]|\d[A-Za-z_/:@]|\d{5}")
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Source:
    """Something that was read, and where it stands.

    `who`: its author and date, as people read them, or a document's title. `link` is "" for a document that
    cannot be opened.
    """

    text: str
    link: str
    who: str


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a turn had: the question, what others wrote in the thread before it, what its tools gave.

    `own`: names of the tools that read the record. What others know has no links, and is not judged here.
    `me`: Ratchet's user id.
    """

    message: Message
    asked: str
    thread: Sequence[Message]
    results: Sequence[ToolResult]
    own: frozenset[str]
    me: str = ""


@dataclass(frozen=True, slots=True)
class Grounding:
    search: MessageSearch
    links: Permalinks
    redactor: Redactor = redact
    documents: DocumentReader | None = None

    async def grounded(self, reply: Reply, grounds: Grounds) -> Reply:
        """The reply as it may be said."""
        said = reply.markdown
        others = any(result.tool not in grounds.own for result in grounds.results)
        own = link_to(grounds.message, self.links)
        if cites(said, but=own) or others or small_talk(grounds.asked):
            return reply
        if not abstains(said) and supported(said, _thread_text(grounds)):
            return reply
        found = [*sources(grounds.results, own), *await self._searched(grounds)]
        read = [*_texts([result.data for result in grounds.results], own), *(source.text for source in found)]
        if not abstains(said) and supported(said, "\n".join(read)):
            return replace(reply, markdown=with_sources(said, nearest(found, said)))
        closest = nearest(found, grounds.asked)
        return replace(reply, markdown=unknown(said if abstains(said) else UNKNOWN, closest))

    async def _searched(self, grounds: Grounds) -> list[Source]:
        message = grounds.message
        hits = await self.search.search_messages(
            grounds.asked, visible_from=message.channel_id, limit=SEARCHED
        )
        chosen = worth_quoting(hits, grounds.asked, Asking(message, grounds.me))
        pages = worth_citing(
            await self.documents.find(grounds.asked) if self.documents else [], grounds.asked
        )
        return [
            Source(self.redactor("\n".join(one.text for one in page.passages)), page.url, page.title)
            for page in pages
        ] + [
            Source(
                self.redactor(hit.text),
                link_to(hit, self.links),
                f"{author(hit)}, {hit.posted_at:%Y-%m-%d}",
            )
            for hit in chosen
        ]


def supported(answer: str, read: str) -> bool:
    """Whether everything in an answer that could be typed was read, and enough of the rest."""
    known = _SPACE.sub(" ", read).lower()
    commands = [
        _SPACE.sub(" ", code.strip()).lower()
        for pair in _CODE.findall(answer)
        for code in pair
        if code.strip()
    ]
    prose = _CODE.sub(" ", answer)
    names = {name.lower() for name in _NAME.findall(prose) if _NAMELIKE.search(name)}
    if not all(one in known for one in [*commands, *names]):
        return False
    said = words(prose)
    shared = said & words(read)
    enough = max(min(FEWEST, len(said)), SHARE * len(said))
    return bool(commands or names) or (bool(shared) and len(shared) >= enough)


def sources(results: Sequence[ToolResult], but: str = "") -> list[Source]:
    """Everything with a permalink in what tools gave, each once; the question, `but`, left out."""
    found: dict[str, Source] = {}
    for item in _items([result.data for result in results]):
        who = ", ".join(
            str(item[key])[: SHOWN.get(key, 60)] for key in ("author", "time", "title") if item.get(key)
        )
        text = item["text"] if isinstance(item.get("text"), str) else "\n".join(_texts(item))
        source = Source(text, str(item["permalink"]), who or "message")
        if source.link != but:
            found.setdefault(source.link or source.who, source)
    return list(found.values())


def nearest(found: Sequence[Source], text: str) -> list[Source]:
    """Those that share most words with a text, at most `LINKS`; none that shares nothing."""
    wanted = words(text)
    scored = {
        source.link or source.who: (len(wanted & words(source.text)), source) for source in reversed(found)
    }
    ranked = sorted(scored.values(), key=lambda pair: pair[0], reverse=True)
    return [source for score, source in ranked if score][:LINKS]


def with_sources(answer: str, found: Sequence[Source]) -> str:
    """The answer, and what it rests on in quotes."""
    return "\n\n".join([answer, SOURCES, *_quotes(found, answer)]) if found else answer


def unfinished(asked: str, found: Sequence[Source]) -> str:
    """What was found when the time was over, in quotes; "" when nothing fits the question."""
    closest = nearest(found, asked)
    return "\n\n".join([UNFINISHED, *_quotes(closest, asked)]) if closest else ""


def _quotes(found: Sequence[Source], text: str) -> list[str]:
    return [f"{_quote(source.text, text)}\n— {_linked(source)}" for source in found]


def _quote(text: str, answer: str) -> str:
    """What fits best, with no link in it: whoever wrote it chose those."""
    return clean(passage(text, answer, {}), Known(urls=frozenset(urls([text]))))


def unknown(words_of_it: str, found: Sequence[Source]) -> str:
    lines = [f"- {_linked(source)}" for source in found]
    return "\n".join([words_of_it, "", CLOSEST, *lines]) if lines else words_of_it


def _linked(source: Source) -> str:
    return f"[{plain(source.who)}]({source.link})" if source.link else plain(source.who)


def _thread_text(grounds: Grounds) -> str:
    """What others wrote; Ratchet's own words prove nothing."""
    return "\n".join(m.text for m in grounds.thread if m.sender.kind != "self" and m.ts != grounds.message.ts)


def _items(data: Any) -> Iterator[Mapping[str, Any]]:
    """Every object with a permalink."""
    if isinstance(data, Mapping):
        if isinstance(data.get("permalink"), str):
            yield data
        for value in data.values():
            yield from _items(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _items(value)


def _texts(data: Any, but: str = "") -> Iterator[str]:
    """Every value in a tool's result, links left out; and what stands at the address `but`."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key not in ("permalink", "permalinks", "id") and not (but and data.get("permalink") == but):
                yield from _texts(value, but)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _texts(value, but)
    elif data is not None:
        yield str(data)
