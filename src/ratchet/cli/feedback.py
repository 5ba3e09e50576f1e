"""`ratchet feedback`: what people thought of answers, as an evaluation set."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import typer
import yaml

from ratchet.app import open_store
from ratchet.domain.errors import Misconfigured, Refused
from ratchet.domain.messages import Message, MessageRef, Rating, posted_at
from ratchet.handlers.citations import unpinged
from ratchet.handlers.mentions import question
from ratchet.llm.redact import Redactor, redact
from ratchet.reports.evaluation import Answer, Asked, Case, Line, Origin, answer_of, as_dataset
from ratchet.reports.evaluation_text import spoken
from ratchet.settings import Settings
from ratchet.store.answers import Answers, RatedAnswer
from ratchet.store.channels import Channels
from ratchet.store.messages import Messages
from ratchet.store.pool import Database
from ratchet.store.reader import Reader
from ratchet.tools.base import author

HANDLER: Final = "assistant"
# Of what stood in a thread before the question: the root and so many of the newest.
THREAD_MESSAGES: Final = 200
# Names of fields that hold no words of anybody.
IDS: Final = frozenset(
    {"name", "key", "ts", "thread_ts", "channel_id", "citations", "prompt_hash", "asked_at", "answered_at"}
)
_BACK: Final = re.compile(r"(\d{1,5})d")
_MENTIONED: Final = re.compile(r"<@([UW][A-Z0-9]{1,40})")
FORMATS: Final = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Options:
    """`since`: a date, or days back (`30d`). `out` None: standard output, as YAML."""

    since: str | None = None
    rating: Rating = "all"
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Exporter:
    """Reads of the record what a case holds."""

    db: Database

    async def case(self, rated: RatedAnswer) -> Case | None:
        """None when the question or a part of the answer is not recorded any more, or says nothing."""
        ref = MessageRef(rated.channel_id, rated.asked_ts)
        asked = await Messages(self.db).get(ref)
        parts = [
            part
            for ts in rated.slack_ts
            if (part := await Messages(self.db).get(MessageRef(rated.channel_id, ts))) is not None
        ]
        texts = [text for part in parts if (text := spoken(part.payload))]
        if asked is None or not parts or len(texts) < len(rated.slack_ts):
            return None
        text = await self._question(asked, me=parts[0].sender.id)
        if not text:
            return None
        answer = answer_of("\n\n".join(texts), ref)
        return Case(
            asked=await self._asked(rated, asked, text),
            expected=answer if rated.up > rated.down else None,
            origin=_origin(rated, asked, answer),
        )

    async def _question(self, message: Message, me: str) -> str:
        """As the assistant got it: without the mention of itself, people by their names."""
        text = question(message.text, me)
        return unpinged(text, await Channels(self.db).names(sorted(set(_MENTIONED.findall(text)))))

    async def _asked(self, rated: RatedAnswer, message: Message, text: str) -> Asked:
        thread = await Reader(self.db).read_thread(
            message.channel_id, message.thread_ts, visible_from=message.channel_id, limit=1000
        )
        before = [m for m in thread if m.ts < message.ts]
        names = await Channels(self.db).names([message.sender.id])
        asker = replace(message.sender, name=message.sender.name or names.get(message.sender.id, ""))
        return Asked(
            text=text,
            asker=author(replace(message, sender=asker)),
            channel_id=rated.channel_id,
            channel_name=rated.channel_name,
            channel_kind=rated.channel_kind,
            thread_ts=rated.thread_ts,
            ts=message.ts,
            thread=[
                Line(m.ts, m.sender.kind, author(m), m.text)
                for m in (before[:1] + before[1:][-THREAD_MESSAGES:])
            ],
        )


def _origin(rated: RatedAnswer, asked: Message, answer: Answer) -> Origin:
    edited = asked.payload.get("edited")
    edited_ts = str(edited.get("ts", "")) if isinstance(edited, dict) else ""
    return Origin(
        key=rated.key,
        asked_at=_iso(asked.posted_at),
        answered_at=_iso(posted_at(rated.slack_ts[0])),
        up=rated.up,
        down=rated.down,
        model=rated.model,
        prompt_hash=rated.prompt_hash,
        edited=edited_ts > rated.slack_ts[0],
        bad=answer if rated.down > rated.up else None,
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


async def export(settings: Settings, options: Options) -> None:
    """Write the set; say on standard error what is in it. Raises Refused, Misconfigured."""
    since = parse_since(options.since, datetime.now(UTC)) if options.since else None
    as_text = _format(options.out)
    async with open_store(settings) as store:
        found, left_out = await cases(store.db, options.rating, since)
    text = as_text(redacted(as_dataset(found)))
    if options.out is None:
        typer.echo(text, nl=False)
    else:
        _write(options.out, text)
    typer.echo(told(found, left_out), err=True)


async def cases(db: Database, rating: Rating, since: datetime | None = None) -> tuple[list[Case], int]:
    """The cases, oldest first, and how many answers cannot be one any more."""
    rated = await Answers(db).rated(HANDLER, rating, since)
    exporter = Exporter(db)
    found = [case for one in rated if (case := await exporter.case(one)) is not None]
    return found, len(rated) - len(found)


def redacted(values: Any, redactor: Redactor = redact) -> Any:
    """The same without secrets. Raises Refused: what cannot be checked for them is not written."""
    if isinstance(values, dict):
        return {key: value if key in IDS else redacted(value, redactor) for key, value in values.items()}
    if isinstance(values, list):
        return [redacted(value, redactor) for value in values]
    return redactor(values) if isinstance(values, str) else values


def told(found: list[Case], left_out: int) -> str:
    """What somebody who passes the file on should know."""
    good = sum(case.expected is not None for case in found)
    bad = sum(case.origin.bad is not None for case in found)
    hidden = sum(case.asked.channel_kind != "public" for case in found)
    said = [f"{len(found)} cases: {good} with a good answer, {bad} with a bad one."]
    if left_out:
        said.append(f"{left_out} left out, because the question or the answer is not recorded any more.")
    if hidden:
        said.append(f"{hidden} come from private channels or direct messages: mind who gets to read them.")
    if any(case.origin.edited for case in found):
        said.append("Questions that were edited after their answer are marked `edited`.")
    return "\n".join(said)


def _format(out: Path | None) -> Callable[[Any], str]:
    """From the set to its text, by the ending of the file's name."""
    if out is None or out.suffix in (".yaml", ".yml"):
        return lambda values: str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110))
    if out.suffix == ".json":
        return lambda values: json.dumps(values, indent=2, ensure_ascii=False)
    raise Misconfigured(f"--out: {out.name} ends in none of {', '.join(FORMATS)}")


def _write(out: Path, text: str) -> None:
    """For the eyes of whoever ran the command."""
    try:
        out.touch(mode=0o600)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"--out: {out} cannot be written: {error.strerror}") from error


def parse_since(text: str, now: datetime) -> datetime:
    """`2026-09-01`, an ISO time, or `30d` before now; UTC unless it says otherwise. Raises Misconfigured."""
    if days := _BACK.fullmatch(text):
        return now - timedelta(days=int(days.group(1)))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"--since: {text!r} is neither a date (2026-09-01) nor days back (30d)") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
