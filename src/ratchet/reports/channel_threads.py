"""What people wrote under a window's incidents: what helped, what was asked again, whole threads. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ratchet.domain.messages import posted_at
from ratchet.domain.reports import AlertName, ChannelRows, HumanReply
from ratchet.reports.actions import BLOCK, INLINE, LOOKING_PROGRAM, changes_something
from ratchet.reports.channel_alerts import named
from ratchet.reports.channel_cases import Case

MAX_THREADS: Final = 6
FIRST_REPLIES: Final = 2
LAST_REPLIES: Final = 4
MAX_REPLY_CHARS: Final = 300
MAX_FIX_CHARS: Final = 80
MAX_QUESTION_CHARS: Final = 120
ALIKE: Final = 0.5

MENTION: Final = re.compile(r"<@[UW][A-Z0-9]{1,30}(?:\|[^>]{0,100})?>")
CHANGE: Final = re.compile(r"/(?:pull|merge_requests|commit|compare|-/commit)/")
QUESTION: Final = re.compile(r"[^.!?\n`<>]{8,200}\?(?=\s|$)")
WORD: Final = re.compile(r"[\w-]{4,40}")


@dataclass(frozen=True, slots=True)
class Learned:
    """A person's reply that names what helped: a command that changes something, or a change.

    `fix`: the command as written, "" for a link alone. `root_ts`: of its thread.
    """

    alert: str | None
    service: str | None
    root_ts: str
    ts: str
    fix: str


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """A question that people asked in `threads` threads of one alert, as worded last, at `ts`."""

    alert: str | None
    service: str | None
    text: str
    threads: int
    root_ts: str
    ts: str


@dataclass(frozen=True, slots=True)
class ThreadReply:
    """`minutes` after the incident opened."""

    minutes: int
    text: str


@dataclass(frozen=True, slots=True)
class RawThread:
    """What people wrote under one incident, without names, for a model to read. `left_out`: more replies."""

    ts: str
    root_ts: str
    alert: str | None
    service: str | None
    opened_at: datetime
    minutes_open: int | None
    replies: tuple[ThreadReply, ...]
    left_out: int = 0


def replies_of(rows: ChannelRows) -> dict[str, list[HumanReply]]:
    """By thread, oldest first."""
    found: dict[str, list[HumanReply]] = {}
    for reply in sorted(rows.replies, key=lambda reply: reply.ts):
        found.setdefault(reply.root_ts, []).append(reply)
    return found


def _said(case: Case, replies: Mapping[str, Sequence[HumanReply]]) -> list[HumanReply]:
    """What people wrote under a case since it opened, oldest first."""
    spoken = [replies[thread] for thread in case.threads if thread in replies]
    if not spoken:
        return []
    since = f"{case.opened_at.timestamp():017.6f}"  # text order of a ts is time order
    said = [reply for thread in spoken for reply in thread if reply.ts >= since]
    return sorted(said, key=lambda reply: reply.ts) if len(spoken) > 1 else said


def learned(cases: Sequence[Case], replies: Mapping[str, Sequence[HumanReply]]) -> tuple[Learned, ...]:
    """The latest fix of each alert, newest first."""
    found: dict[AlertName, Learned] = {}
    for case in reversed(cases):
        name = named(case)
        if name not in found and (fix := _last_fix(case, _said(case, replies))) is not None:
            found[name] = fix
    return tuple(sorted(found.values(), key=lambda one: one.ts, reverse=True))


def _last_fix(case: Case, said: Sequence[HumanReply]) -> Learned | None:
    for reply in reversed(said):
        if (fix := _fix(reply.text)) is not None:
            return Learned(case.incident.alert, case.incident.service, reply.root_ts, reply.ts, fix)
    return None


def _fix(text: str) -> str | None:
    """The command that was run, "" for a change that is only linked, None for neither."""
    if changes_something(text):
        return _snippet(text)
    return "" if CHANGE.search(text) else None


def _snippet(text: str) -> str:
    """The first code in it that is no mere look."""
    snippets = [*BLOCK.findall(text), *INLINE.findall(BLOCK.sub(" ", text))]
    lines = [line.strip() for snippet in snippets for line in str(snippet).splitlines()]
    commands = [line for line in lines if " " in line]
    changing = [line for line in commands if not LOOKING_PROGRAM.fullmatch(line.split()[0])]
    return next(iter(changing or commands), "")[:MAX_FIX_CHARS]


def asked_again(cases: Sequence[Case], replies: Mapping[str, Sequence[HumanReply]]) -> tuple[AskedAgain, ...]:
    """Questions asked in more than one thread of an alert, alike by half of their words; most asked first."""
    groups: dict[AlertName, list[_Question]] = {}
    for case in cases:
        for reply in _said(case, replies):
            for text in QUESTION.findall(reply.text) if "?" in reply.text else ():
                _file(groups.setdefault(named(case), []), case, reply, text.strip())
    again = [one.asked() for group in groups.values() for one in group if len(one.threads) > 1]
    return tuple(sorted(again, key=lambda one: (-one.threads, one.ts)))


@dataclass(slots=True)
class _Question:
    """The wordings of one question; `words` of the first one."""

    words: frozenset[str]
    case: Case
    reply: HumanReply
    text: str
    threads: set[str]

    def asked(self) -> AskedAgain:
        incident = self.case.incident
        return AskedAgain(
            incident.alert,
            incident.service,
            plain(self.text, MAX_QUESTION_CHARS),
            len(self.threads),
            self.reply.root_ts,
            self.reply.ts,
        )


def _file(group: list[_Question], case: Case, reply: HumanReply, text: str) -> None:
    words = frozenset(word.lower() for word in WORD.findall(text))
    if len(words) < 2:
        return
    for known in group:
        if len(words & known.words) >= ALIKE * len(words | known.words):
            known.threads.add(reply.root_ts)
            known.case, known.reply, known.text = case, reply, text
            return
    group.append(_Question(words, case, reply, text, {reply.root_ts}))


def raw_threads(
    cases: Iterable[Case], replies: Mapping[str, Sequence[HumanReply]], until: datetime
) -> tuple[RawThread, ...]:
    """The incidents under which people wrote most, as they went; most replies first."""
    spoken = sorted(
        (case for case in cases if case.replies), key=lambda c: (-c.replies, -c.opened_at.timestamp())
    )
    return tuple(_raw(case, _said(case, replies), until) for case in spoken[:MAX_THREADS])


def _raw(case: Case, said: Sequence[HumanReply], until: datetime) -> RawThread:
    shown = list(said)
    if len(said) > FIRST_REPLIES + LAST_REPLIES:
        shown = [*said[:FIRST_REPLIES], *said[-LAST_REPLIES:]]
    lasted = case.lasted_s(until)
    return RawThread(
        ts=case.ts,
        root_ts=case.threads[0],
        alert=case.incident.alert,
        service=case.incident.service,
        opened_at=case.opened_at,
        minutes_open=None if lasted is None else round(lasted / 60),
        replies=tuple(
            ThreadReply(
                round((posted_at(reply.ts) - case.opened_at).total_seconds() / 60),
                plain(reply.text, MAX_REPLY_CHARS),
            )
            for reply in shown
        ),
        left_out=len(said) - len(shown),
    )


def plain(text: str, limit: int) -> str:
    """Without people's ids, in one line of at most `limit` characters."""
    words = " ".join(MENTION.sub("@someone", text).split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"
