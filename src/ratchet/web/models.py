"""The JSON of the API. Times are UTC; a `ts` is Slack's, as text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from ratchet.domain.incidents import Incident
from ratchet.domain.messages import Channel, Message
from ratchet.store.incidents import AlertSummary, Firing, ServiceSummary
from ratchet.store.search import Hit


class ChannelOut(BaseModel):
    id: str
    name: str
    kind: str
    mode: str
    member: bool
    archived: bool
    external: bool
    last_seen_ts: str | None

    @classmethod
    def of(cls, channel: Channel) -> ChannelOut:
        return cls.model_validate(channel, from_attributes=True)


class SenderOut(BaseModel):
    """`kind`: person, bot, self (Ratchet) or system (Slack)."""

    kind: str
    id: str
    name: str


class MessageOut(BaseModel):
    """`thread_ts` is the root's ts, also of the root itself; `reactions` maps a name to user ids."""

    channel_id: str
    ts: str
    thread_ts: str
    posted_at: datetime
    sender: SenderOut
    text: str
    subtype: str | None
    edited: bool
    reactions: dict[str, list[str]]

    @classmethod
    def of(cls, message: Message) -> MessageOut:
        sender = message.sender
        return cls(
            channel_id=message.channel_id,
            ts=message.ts,
            thread_ts=message.thread_ts,
            posted_at=message.posted_at,
            sender=SenderOut(kind=sender.kind, id=sender.id, name=sender.name),
            text=message.text,
            subtype=message.subtype,
            edited=message.edited,
            reactions={name: list(users) for name, users in message.reactions.items()},
        )


class ChannelList(BaseModel):
    channels: list[ChannelOut]


class MessagePage(BaseModel):
    """Newest first. `next_before` is the `before` of the next page, null on the last."""

    messages: list[MessageOut]
    next_before: str | None


class Thread(BaseModel):
    """The root, if it is recorded, and the replies, oldest first."""

    messages: list[MessageOut]


class OnboardAccepted(BaseModel):
    """`n` null: the configured number of messages."""

    channel_id: str
    n: int | None


class HitOut(BaseModel):
    """The best message of one thread. `score` compares within one answer only."""

    channel_id: str
    ts: str
    thread_ts: str
    channel: str
    author: str
    posted_at: datetime
    snippet: str
    score: float

    @classmethod
    def of(cls, hit: Hit) -> HitOut:
        return cls(
            channel_id=hit.ref.channel_id,
            ts=hit.ref.ts,
            thread_ts=hit.thread_ts,
            channel=hit.channel,
            author=hit.author,
            posted_at=hit.posted_at,
            snippet=hit.snippet,
            score=hit.score,
        )


class SearchResults(BaseModel):
    hits: list[HitOut]


class ServiceOut(BaseModel):
    """`firings`: opening messages; `alerts`: different alerts."""

    service: str
    firings: int
    alerts: int
    last_at: datetime

    @classmethod
    def of(cls, summary: ServiceSummary) -> ServiceOut:
        return cls.model_validate(summary, from_attributes=True)


class ServiceList(BaseModel):
    services: list[ServiceOut]


class AlertOut(BaseModel):
    service: str | None
    alert: str
    priority: str
    firings: int
    last_at: datetime

    @classmethod
    def of(cls, summary: AlertSummary) -> AlertOut:
        return cls.model_validate(summary, from_attributes=True)


class AlertList(BaseModel):
    alerts: list[AlertOut]


class FiringOut(BaseModel):
    """One message that opened an incident."""

    channel_id: str
    ts: str
    happened_at: datetime
    service: str | None
    alert: str | None

    @classmethod
    def of(cls, firing: Firing) -> FiringOut:
        return cls.model_validate(firing, from_attributes=True)


class FiringList(BaseModel):
    messages: list[FiringOut]


class RunbookOut(BaseModel):
    """`markdown` quotes public channels and documents, with links."""

    service: str | None
    alert: str
    markdown: str


class IncidentOut(BaseModel):
    """`closed_at` is null while it is open; `firings` counts re-notifications too."""

    channel_id: str
    pair_key: str
    alert: str | None
    service: str | None
    priority: str
    tool: str
    open_ts: str
    opened_at: datetime
    close_ts: str | None
    closed_at: datetime | None
    firings: int

    @classmethod
    def of(cls, incident: Incident) -> IncidentOut:
        return cls.model_validate(incident, from_attributes=True)


class IncidentList(BaseModel):
    incidents: list[IncidentOut]


class EffectList(BaseModel):
    """What the handlers would do, or have been asked to do; each effect names its `kind`."""

    effects: list[dict[str, Any]]


class PartOut(BaseModel):
    name: str
    ready: bool
    state: str
    reason: str


class Readiness(BaseModel):
    ready: bool
    parts: list[PartOut]


class Liveness(BaseModel):
    """`database`: answers, or why it does not."""

    ok: bool
    database: str


class Version(BaseModel):
    version: str
