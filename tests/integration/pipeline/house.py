"""The pipeline's rooms on a real database, their jobs run one after the other by the test."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg.rows import tuple_row

from ratchet.domain.events import MessagePosted, SlackEvent
from ratchet.jobs.base import Job, JobContext, Outcome
from ratchet.jobs.queue import Queue
from ratchet.pipeline import work
from ratchet.pipeline.classify import BuiltIn, Classifier
from ratchet.pipeline.intake import Intake
from ratchet.slack.identity import Identity
from ratchet.slack.parse import parse_envelope, parse_stored_message
from ratchet.store.pool import Database

ME: Final = Identity("U0ME", "B0ME", "A0ME", "T1")
CONTEXT: Final = JobContext(1, "test", 0)
START: Final = 1_760_000_000
KINDS: Final[dict[str, type[Job]]] = {
    kind.kind: kind
    for kind in (
        work.MessageJob, work.HandlerJob, work.DeliverJob, work.OnboardJob, work.ThreadJob, work.RecoverJob,
        work.InteractionJob, work.PeopleJob, work.ChannelsJob, work.UnderstandJob, work.GreetJob,
        work.QuietThreadJob, work.ScheduledJob, work.ShortcutJob,
    )
}  # fmt: skip
WAITING: Final = "select id, entrypoint, payload from jobs where status = 'queued' order by priority desc, id"
TAKE: Final = "delete from jobs where id = %s"

Raw = dict[str, Any]


def at(seconds: float) -> str:
    """A ts."""
    return f"{START + seconds:.6f}"


def event(raw: Mapping[str, Any]) -> SlackEvent:
    """What the socket makes of Slack's event."""
    payload = {"event_id": "Ev1", "event": raw}
    return parse_envelope({"type": "events_api", "envelope_id": "1", "payload": payload}, ME).event


def said(ts: str, text: str, *, thread_ts: str | None = None, channel: str = "C1", user: str = "U1") -> Raw:
    raw = {"type": "message", "channel": channel, "ts": ts, "event_ts": ts, "user": user, "text": text}
    return raw | ({"thread_ts": thread_ts} if thread_ts else {})


def alert_said(
    ts: str, name: str = "HighErrorRate", *, firing: bool = True, thread_ts: str | None = None
) -> Raw:
    """Alertmanager's default form."""
    state = ("[FIRING:1]", "danger") if firing else ("[RESOLVED]", "good")
    title = f"{state[0]} {name} checkout (web-1 critical)"
    link = "http://alertmanager.example.com:9093/#/alerts?receiver=ops"
    attachment = {"title": title, "title_link": link, "fallback": f"{title} | {link}", "color": state[1]}
    raw = said(ts, "", thread_ts=thread_ts) | {
        "bot_id": "B0AM",
        "subtype": "bot_message",
        "username": "Alertmanager",
    }
    del raw["user"]
    return raw | {"attachments": [attachment]}


def edited(raw: Raw, when: str, **changes: Any) -> Raw:
    """The event of an edit; `raw` is the message's own."""
    message = {key: value for key, value in raw.items() if key not in ("channel", "event_ts")}
    message |= {"edited": {"user": "U1", "ts": when}} | changes
    outer = {"type": "message", "subtype": "message_changed", "channel": raw["channel"], "hidden": True}
    return outer | {"ts": when, "event_ts": when, "message": message}


def deleted(ts: str, when: str, *, channel: str = "C1") -> Raw:
    outer = {"type": "message", "subtype": "message_deleted", "channel": channel, "hidden": True}
    return outer | {"ts": when, "event_ts": when, "deleted_ts": ts}


def reacted(ts: str, name: str, when: str, *, channel: str = "C1", added: bool = True) -> Raw:
    kind = "reaction_added" if added else "reaction_removed"
    item = {"type": "message", "channel": channel, "ts": ts}
    return {"type": kind, "user": "U1", "reaction": name, "item": item, "event_ts": when}


@dataclass
class House:
    """`run` maps a kind of job to who runs it; other kinds are left waiting."""

    db: Database
    classifier: Classifier = field(default_factory=BuiltIn)

    @property
    def queue(self) -> Queue:
        return Queue(self.db.connection)

    @property
    def intake(self) -> Intake:
        return Intake(self.db, self.queue, self.classifier)

    async def hear(self, *raws: Raw) -> None:
        """One batch of live events."""
        await self.intake.record([event(raw) for raw in raws])

    async def recall(self, *raws: Raw) -> None:
        """Messages from history, in their last form."""
        events = [parse_stored_message(raw["channel"], "public", raw, ME) for raw in raws]
        await self.intake.record_history([e for e in events if isinstance(e, MessagePosted)])

    async def rows(self, query: str, *values: Any) -> list[Any]:
        async with self.db.connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(query.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def jobs(self, kind: str) -> list[Any]:
        """The waiting jobs of a kind, most urgent first."""
        return [
            KINDS[name].model_validate_json(payload)
            for _, name, payload in await self.rows(WAITING)
            if name == kind
        ]

    async def take(self, kind: str) -> list[Any]:
        """As `jobs`, and they wait no longer."""
        found = []
        for number, name, payload in await self.rows(WAITING):
            if name == kind:
                await self.rows(TAKE, number)
                found.append(KINDS[name].model_validate_json(payload))
        return found

    async def work_off(self, run: Any, kind: str) -> list[Outcome]:
        """Run the waiting jobs of a kind, those included that are put meanwhile."""
        outcomes: list[Outcome] = []
        for _ in itertools.count():
            jobs: Sequence[Any] = await self.take(kind)
            if not jobs:
                return outcomes
            outcomes += [await run(job, CONTEXT) for job in jobs]
        return outcomes
