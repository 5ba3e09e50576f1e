"""A message as the parsers see it: sender, attachments, headlines and links, computed on first use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from ratchet.alerts.flattening import (
    NO_PREVIEW,
    block_texts,
    field_pairs,
    flatten,
    mapping,
    mappings,
    readable,
    storable,
    string,
)

SPEAKING_SUBTYPES = frozenset({"bot_message", "thread_broadcast", "file_share"})
WRAPPED_SUBTYPES = frozenset({"message_changed", "message_replied"})
MAX_WRAPPING = 5
MAX_ATTACHMENTS = 20
MAX_LINKS = 60
MAX_READ = 20_000  # characters of one part that the parsers look at: an alert says what it is at its top

_LINK = re.compile(r"https?://[^\s<>|\"'`)\]]{1,1000}")
_LABELLED = re.compile(r"<(https?://[^<>|\s]{1,1000})\|([^<>\n]{0,500})>")
_MARKS = re.compile(r"[*~`]+|(?<![A-Za-z0-9])_+|_+(?![A-Za-z0-9])")
_COLOURS = {"danger": "a30200", "warning": "daa038", "good": "2eb886"}


def unwrap(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Slack's message object out of an event callback, a Socket Mode envelope, a capture file or an edit.

    A body as a tool sends it to a webhook (no author, no ts) gets the subtype `bot_message`, as Slack would.
    """
    message = payload
    for _ in range(MAX_WRAPPING):
        inner = _inner(message)
        if inner is None:
            break
        message = inner
    if _is_webhook_body(message):
        return {**message, "subtype": "bot_message"}
    return message


def channel_of(payload: Mapping[str, Any]) -> str:
    """The channel's id, wherever around the message it is said; "" when nowhere."""
    message: Mapping[str, Any] | None = payload
    for _ in range(MAX_WRAPPING):
        if message is None or isinstance(message.get("channel"), str):
            break
        message = _inner(message)
    return string(message.get("channel")) if message is not None else ""


def _inner(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    key = None
    if isinstance(message.get("event"), Mapping):
        key = "event"
    elif string(message.get("subtype")) in WRAPPED_SUBTYPES:
        key = "message"
    elif not _has_words(message):
        key = "payload" if "payload" in message else "message"
    inner = message.get(key) if key else None
    return inner if isinstance(inner, Mapping) else None


def _has_words(message: Mapping[str, Any]) -> bool:
    return any(key in message for key in ("text", "attachments", "blocks"))


def _is_webhook_body(message: Mapping[str, Any]) -> bool:
    """Slack gives every message a ts and a type, and a person's a user; only a webhook body has none."""
    return (
        "user" not in message
        and "ts" not in message
        and "type" not in message
        and "thread_ts" not in message
        and message.get("subtype") is None
        and _has_words(message)
    )


def is_bot(message: Mapping[str, Any]) -> bool:
    """Whether a program wrote it. `client_msg_id` is what Slack's own clients add when a person types."""
    subtype = message.get("subtype")
    if subtype is not None and not (isinstance(subtype, str) and subtype in SPEAKING_SUBTYPES):
        return False
    if message.get("client_msg_id") and subtype != "bot_message":
        return False
    if message.get("user") == "USLACKBOT":
        return False
    return bool(
        message.get("bot_id")
        or subtype == "bot_message"
        or message.get("bot_profile")
        or message.get("app_id")
        or (message.get("username") and not message.get("user"))
    )


def is_plain_person(payload: Mapping[str, Any]) -> bool:
    """The commonest message of all, told in one look: somebody typed it, and nothing is wrapped around it."""
    return (
        "user" in payload
        and "text" in payload
        and payload.get("subtype") is None
        and "event" not in payload
        and not (payload.get("bot_id") or payload.get("bot_profile") or payload.get("app_id"))
    )


def _part(value: object) -> str:
    return storable(string(value)[:MAX_READ])


def plain(text: str) -> str:
    """One readable line's worth: links become their label, mark-up and entities go, blanks collapse."""
    if "<" in text:
        text = _LABELLED.sub(lambda found: found[2] or found[1], text)
    text = readable(text)
    if "*" in text or "_" in text or "`" in text or "~" in text:
        text = _MARKS.sub("", text)
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment. Text as received (escaped); `colour` six hex digits, lower case, or ""."""

    title: str
    link: str
    text: str
    pretext: str
    fallback: str
    footer: str
    author: str
    colour: str
    fields: tuple[tuple[str, str], ...]
    blocks: tuple[str, ...]

    def field(self, *names: str) -> str | None:
        """The value of the first field with one of these titles (lower case), mark-up taken off."""
        for title, value in self.fields:
            if title.strip(" *:").lower() in names and value:
                return plain(value) or None
        return None


def _attachment(raw: Mapping[str, Any]) -> Attachment:
    fallback = _part(raw.get("fallback"))
    colour = string(raw.get("color")).strip().lower()
    return Attachment(
        title=_part(raw.get("title")),
        link=_part(raw.get("title_link")),
        text=_part(raw.get("text")),
        pretext=_part(raw.get("pretext")),
        fallback="" if fallback == NO_PREVIEW else fallback,
        footer=_part(raw.get("footer")),
        author=_part(raw.get("author_name")),
        colour=_COLOURS.get(colour, colour.removeprefix("#")),
        fields=tuple((_part(title), _part(value)) for title, value in field_pairs(raw)),
        blocks=_parts_of_blocks(raw.get("blocks")),
    )


def _parts_of_blocks(blocks: object) -> tuple[str, ...]:
    return tuple(piece for piece in map(_part, block_texts(blocks)) if piece)


class View:
    """One bot message. Every property is computed on first use, so that a quick answer stays cheap."""

    def __init__(self, message: Mapping[str, Any], text: str | None = None, channel: str = "") -> None:
        self.message = message
        self._text = text
        self._channel = channel

    @property
    def channel(self) -> str:
        """The channel's id; "" when unknown."""
        return self._channel or string(self.message.get("channel"))

    @cached_property
    def name(self) -> str:
        """The sender's display name, lower case; "" when unknown."""
        profile = mapping(self.message.get("bot_profile"))
        named = (self.message.get("username"), profile.get("name"), self.message.get("bot_name"))
        return next((string(one).lower() for one in named if string(one)), "")

    @cached_property
    def sender(self) -> str:
        """What tells this bot from others: its id, else its name."""
        profile = mapping(self.message.get("bot_profile"))
        ids = (self.message.get("bot_id"), profile.get("id"), self.message.get("app_id"))
        return storable(next((string(one) for one in ids if string(one)), self.name))

    @cached_property
    def is_reply(self) -> bool:
        """A reply inside a thread that was not also sent to the channel."""
        thread = self.message.get("thread_ts")
        return bool(thread) and thread != self.message.get("ts") and self.message.get("subtype") is None

    @cached_property
    def text(self) -> str:
        """The top-level text as received."""
        text = _part(self.message.get("text"))
        return "" if text == NO_PREVIEW else text

    @cached_property
    def blocks(self) -> tuple[str, ...]:
        return _parts_of_blocks(self.message.get("blocks"))

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        raw = mappings(self.message.get("attachments"))
        return tuple(_attachment(one) for one in islice(raw, MAX_ATTACHMENTS))

    @cached_property
    def flat(self) -> str:
        """All words, as stored. At most MAX_READ characters."""
        return (flatten(self.message) if self._text is None else self._text)[:MAX_READ]

    @cached_property
    def raw_parts(self) -> tuple[str, ...]:
        """Every part as received, title links included, in reading order."""
        parts = [self.text, *self.blocks]
        for one in self.attachments:
            parts += [one.pretext, one.title, one.link, one.text, *one.blocks]
            parts += [value for _, value in one.fields]
            parts += [one.fallback, one.footer]
        return tuple(part for part in parts if part)

    @cached_property
    def raw(self) -> str:
        return "\n".join(self.raw_parts)[: 2 * MAX_READ]

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Every address in the message, in order, entities resolved."""
        if "://" not in self.raw:
            return ()
        found = islice(_LINK.finditer(self.raw), MAX_LINKS)
        return tuple(link[0].replace("&amp;", "&") for link in found)

    def label_of(self, *needles: str) -> str | None:
        """The label of the first link whose address holds all of these, as received; None when none does."""
        for found in _LABELLED.finditer(self.raw):
            if found[2] and all(needle in found[1] for needle in needles):
                return found[2]
        return None

    @cached_property
    def headlines(self) -> tuple[str, ...]:
        """The lines that may say what the message is about, most telling first; mark-up taken off."""
        return tuple(dict.fromkeys(line for line in map(plain, self._headlines()) if line))

    def _headlines(self) -> Iterator[str]:
        yield _first_line(self.text)
        yield from map(_first_line, self.blocks[:2])
        for one in self.attachments:
            yield from (_first_line(one.pretext), _first_line(one.title), _first_line(one.text))
            yield from map(_first_line, one.blocks[:2])
        for one in self.attachments:
            yield _first_line(one.fallback)

    @cached_property
    def colour(self) -> str:
        """The first attachment's colour; "" when none."""
        return next((one.colour for one in self.attachments if one.colour), "")

    def field(self, *names: str) -> str | None:
        for one in self.attachments:
            value = one.field(*names)
            if value:
                return value
        return None

    def linked(self, needle: str) -> bool:
        """Whether an address holds this text."""
        return needle in self.raw and any(needle in link for link in self.links)


def _first_line(text: str) -> str:
    return text.lstrip().partition("\n")[0][:600]
