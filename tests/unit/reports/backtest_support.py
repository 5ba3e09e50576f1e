"""Histories in memory, and the product's own code on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ratchet.cli.backtest import ExtractiveRunbooks, KnownNames
from ratchet.domain.incidents import Incident
from ratchet.domain.messages import Message, MessageRef, Sender, posted_at
from ratchet.reports.as_of import recorded_history
from ratchet.reports.backtest import Backtest, Replay

START = 1_700_000_000
FIX = "fixed by `kubectl -n shop rollout restart deploy/checkout`"


def at(minutes: float) -> str:
    """A ts."""
    return f"{START + minutes * 60:.6f}"


@dataclass(frozen=True)
class Event:
    ts: str
    action: str = "open_incident"
    channel_id: str = "C1"
    alert: str | None = "HighErrorRate"
    service: str | None = "checkout"
    parent_ts: str | None = None
    changed: str | None = None

    @property
    def version(self) -> str:
        return self.changed or self.ts

    @property
    def happened_at(self) -> datetime:
        return posted_at(self.version)

    @property
    def pair_key(self) -> str:
        return f"{self.service}/{self.alert}"

    @property
    def ref(self) -> MessageRef:
        return MessageRef(self.channel_id, self.ts)


@dataclass(frozen=True)
class Reply:
    message: Message
    place: int = 1
    given: Sequence[tuple[str, str, str]] = field(default=())


def said(
    root: float, minutes: float, text: str, *, channel: str = "C1", edited: float | None = None
) -> Reply:
    ts = at(minutes)
    version = ts if edited is None else at(edited)
    return Reply(Message(channel, ts, Sender("person", "U1"), text, version, parent_ts=at(root)))


def reacted(reply: Reply, *given: tuple[str, str, str]) -> Reply:
    names = {name: tuple(user for n, user, _ in given if n == name) for name, _, _ in given}
    message = reply.message
    return Reply(
        Message(message.channel_id, message.ts, message.sender, message.text, message.version,
                message.parent_ts, reactions=names), 1, given
    )  # fmt: skip


def opened(minutes: float, **more: str) -> Event:
    return Event(at(minutes), "open_incident", **more)


def closed(minutes: float, **more: str) -> Event:
    return Event(at(minutes), "close_incident", **more)


def incident(opening: Event, close: Event | None = None, firings: int = 1) -> Incident:
    return Incident(
        opening.channel_id, opening.pair_key, opening.alert, opening.service, "HIGH", "alertmanager",
        opening.ts, opening.happened_at, close.ts if close else None, close.happened_at if close else None,
        firings, "closed" if close else "open", (close or opening).happened_at, None,
    )  # fmt: skip


async def replayed(
    incidents: Sequence[Incident],
    events: Sequence[Event],
    replies: Sequence[Reply],
    public: Sequence[str] = ("C1",),
    no_incident: Sequence[MessageRef] = (),
) -> Replay:
    history = recorded_history(events, replies, public)
    ticks = iter(n / 1000 for n in range(1_000_000))
    product = ExtractiveRunbooks(KnownNames({"U1": "Ana"}))
    return await Backtest(history, product, lambda: next(ticks), no_incident).run(incidents)
