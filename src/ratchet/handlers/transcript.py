"""A thread as a model reads it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import Final

from ratchet.domain.messages import Message
from ratchet.llm.data import cut, neutralised, wrap
from ratchet.tools.base import author, minute

THREAD_CHARS: Final = 24_000
MESSAGE_CHARS: Final = 4_000
FILES_SHOWN: Final = 5
_BREAK: Final = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_SET_IN: Final = "\n    "
_PERMALINK: Final = re.compile(r"/archives/(?P<channel>[A-Z0-9]+)/p(?P<seconds>\d{10})(?P<micros>\d{6})")


def prompt(question: str, context: str, thread: Sequence[Message]) -> str:
    """The question after where and when it was asked, and after the thread in which it stands."""
    parts = [wrap("context", context)]
    if thread:
        parts.append(wrap("thread", transcript(thread)))
    parts.append(f"<question>\n{neutralised(question)}\n</question>")
    return "\n\n".join(parts)


def transcript(messages: Sequence[Message], limit: int = THREAD_CHARS) -> str:
    """The messages, oldest first, within about `limit` characters.

    Of a longer thread: the first, those that an earlier answer rests on, and then the newest.
    """
    lines = [_line(message) for message in messages]
    if sum(map(len, lines)) <= limit or not lines:
        return "\n".join(lines)
    cited = _cited(messages)
    first = [0, *(n for n, message in enumerate(messages) if message.ts in cited)]
    kept: set[int] = set()
    left = limit
    for number in (*first, *range(len(lines) - 1, -1, -1)):
        if number in kept:
            continue
        left -= len(lines[number])
        if left < 0 and kept:
            break
        kept.add(number)
    return "\n".join(_with_gaps(lines, kept))


def _with_gaps(lines: Sequence[str], kept: Set[int]) -> list[str]:
    shown: list[str] = []
    missing = 0
    for number, line in enumerate(lines):
        if number not in kept:
            missing += 1
            continue
        if missing:
            shown.append(f"[… {missing} messages left out …]")
            missing = 0
        shown.append(line)
    return [*shown, f"[… {missing} messages left out …]"] if missing else shown


def _cited(messages: Sequence[Message]) -> set[str]:
    """ts of the thread's messages that Ratchet's own replies link."""
    own = [message for message in messages if message.sender.kind == "self"]
    links = [link for message in own for link in _PERMALINK.finditer(message.text)]
    here = {message.channel_id for message in messages}
    return {f"{link['seconds']}.{link['micros']}" for link in links if link["channel"] in here}


def _line(message: Message) -> str:
    files = f" [files: {', '.join(names)}]" if (names := _files(message)) else ""
    text = f"{cut(message.text, MESSAGE_CHARS)}{files}"
    # Set in, so that no line of a message looks like a message of somebody else.
    return f"[{minute(message.posted_at)}] {_who(message)}: {_BREAK.sub(_SET_IN, text)}"


def _files(message: Message) -> list[str]:
    """Titles of what was uploaded with it, as far as the text does not name them."""
    files = message.payload.get("files")
    if not isinstance(files, list):
        return []
    titles = [str(file.get("title") or file.get("name") or "") for file in files if isinstance(file, dict)]
    return [" ".join(title.split())[:100] for title in titles if title and title not in message.text][
        :FILES_SHOWN
    ]


def _who(message: Message) -> str:
    match message.sender.kind:
        case "self":
            return "you"
        case "bot":
            return f"{author(message)} (bot)"
        case _:
            name = author(message)
            return name if name.casefold() != "you" else f"{name} (a person)"
