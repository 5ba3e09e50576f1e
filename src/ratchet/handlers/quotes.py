"""An answer without a model: what people wrote, word for word, and where. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ratchet.domain.messages import Message
from ratchet.handlers.citations import unpinged
from ratchet.tools.asking import Asking
from ratchet.tools.base import Permalinks, link_to

QUOTES: Final = 3
LINES: Final = 4
QUOTE_CHARS: Final = 320
ASKED_CHARS: Final = 160

_WORD: Final = re.compile(r"[A-Za-z0-9_]{3,}|[^\W\d_a-zA-Z]{2,}")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
_SLACK_LINK: Final = re.compile(r"<([a-z][a-z0-9+.-]{0,20}://[^|<>\s]{1,2000})(?:\|([^<>]{0,500}))?>")
# Words that say nothing about what a text is about.
_COMMON: Final = frozenset(
    re.findall(
        r"\w+",
        """
        about after again all also and any are been before but can could did does doing for from get got had
        has have help her here him his how into its just know let like may might more most need not now off
        one only our out over please said same say see should show some tell than that the their them then
        there these they this those too use using very was way were what when where which who why will with
        would you your
        """,
    )
)


def words(text: str) -> set[str]:
    """The words that say what a text is about, in lower case, identifiers also split into theirs."""
    found: set[str] = set()
    for whole in _WORD.findall(text):
        found.add(whole.lower())
        found.update(part.lower() for part in _CAMEL.split(whole) if len(part) >= 3)
    return found - _COMMON


def worth_quoting(hits: Sequence[Message], query: str, asking: Asking) -> list[Message]:
    """At most `QUOTES` hits, best first: to the point, none twice; not Ratchet's own, nor questions to it.

    Nothing from the thread in which it is asked.
    """
    wanted = words(query)
    chosen: dict[str, Message] = {}
    for hit in asking.others(hits):
        speaks = hit.sender.kind in {"person", "bot"} and not asking.beside(hit)
        if speaks and wanted & words(hit.text):
            chosen.setdefault(" ".join(hit.text.split()), hit)
    # What people wrote helps more than what an alert says; the search's order decides among the rest.
    ordered = sorted(chosen.values(), key=lambda message: message.sender.kind != "person")
    return ordered[:QUOTES]


def quoted(message: Message, query: str, links: Permalinks, names: Mapping[str, str]) -> str:
    """The passage that fits best as a Markdown quote, with author, date and permalink."""
    by = f"{plain(_author(message))}, {message.posted_at:%Y-%m-%d}"
    return f"{passage(message.text, query, names)}\n— {by} · [message]({link_to(message, links)})"


def passage(text: str, query: str, names: Mapping[str, str]) -> str:
    """What fits the query best in a text, as a Markdown quote that notifies nobody."""
    return "\n".join(f"> {line}" for line in _passage(list(_lines(unpinged(text, names))), words(query)))


def answered(question: Message, answer: str) -> str:
    """A quoted answer with the question that it answers in front."""
    asked = " ".join(question.text.split())
    asked = asked if len(asked) <= ASKED_CHARS else f"{asked[:ASKED_CHARS].rstrip()} …"
    said = "asked" if question.sender.kind == "person" else "posted"
    return f"**{plain(_author(question))} {said}:** {plain(asked)}\n\n{answer}"


def _author(message: Message) -> str:
    """A name; people read no ids."""
    return message.sender.name or "someone"


def _lines(text: str) -> Iterator[str]:
    """The lines that are not empty; a line of a code block becomes inline code."""
    in_code = False
    text = _SLACK_LINK.sub(lambda m: f"{m[2]} ({m[1]})" if m[2] else m[1], text)
    for line in text.splitlines():
        opens = line.count("```") % 2 == 1
        bare = line.replace("```", " ").strip()
        if bare and (in_code or "```" in line):
            yield f"`{bare.replace('`', '')[:QUOTE_CHARS]}`"
        elif bare:
            yield bare
        in_code = in_code != opens


def _passage(lines: list[str], wanted: set[str]) -> list[str]:
    """Up to `LINES` lines in a row that share most with what is wanted, cut to `QUOTE_CHARS`."""
    starts = range(max(1, len(lines) - LINES + 1))
    shared = [len(wanted & words(" ".join(lines[start : start + LINES]))) for start in starts]
    # The last of the best starts where the match does, so that what follows it is quoted too.
    best = max(starts, key=lambda start: (shared[start], start))
    room, kept = QUOTE_CHARS, []
    for line in lines[best : best + LINES]:
        kept.append(line if len(line) <= room or line.startswith("`") else f"{line[:room].rstrip()} …")
        room -= len(line)
        if room <= 0:
            break
    return kept


def plain(name: str) -> str:
    """A name as it may stand in Markdown."""
    return re.sub(r"[\[\]()<>*_`|\n]", " ", name).strip() or "someone"
