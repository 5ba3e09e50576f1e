"""A thread as a model reads it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ratchet.domain.messages import Message
from ratchet.llm.data import cut, neutralised, wrap
from ratchet.tools.base import author, minute

THREAD_CHARS: Final = 24_000
MESSAGE_CHARS: Final = 4_000


def prompt(question: str, asker: str, channel: str, now: str, thread: Sequence[Message]) -> str:
    """The question with where and when it was asked, after the thread in which it stands."""
    context = f"Channel: {channel}. Now: {now}. Asked by {asker}."
    parts = [wrap("context", context)]
    if thread:
        parts.append(wrap("thread", transcript(thread)))
    parts.append(f"<question>\n{neutralised(question)}\n</question>")
    return "\n\n".join(parts)


def transcript(messages: Sequence[Message], limit: int = THREAD_CHARS) -> str:
    """The messages, oldest first; of a long thread the first and the newest, within `limit` characters."""
    lines = [_line(message) for message in messages]
    if sum(map(len, lines)) <= limit or not lines:
        return "\n".join(lines)
    kept: list[str] = []
    left = limit - len(lines[0])
    for line in reversed(lines[1:]):
        left -= len(line)
        if left < 0:
            break
        kept.append(line)
    missing = len(lines) - 1 - len(kept)
    return "\n".join([lines[0], f"[… {missing} messages left out …]", *reversed(kept)])


def _line(message: Message) -> str:
    return f"[{minute(message.posted_at)}] {_who(message)}: {cut(message.text, MESSAGE_CHARS)}"


def _who(message: Message) -> str:
    match message.sender.kind:
        case "self":
            return "you"
        case "bot":
            return f"{author(message)} (bot)"
        case _:
            return author(message)
