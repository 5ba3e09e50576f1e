"""The JSON of the API. Times are UTC; a `ts` is Slack's, as text."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from ratchet.domain.channels import GROUP, MAX_QUIET_MINUTES
from ratchet.domain.documents import DocumentHit
from ratchet.domain.incidents import Incident
from ratchet.domain.messages import Channel, ChannelMode, Message
from ratchet.domain.runbooks import KeptRunbook, to_json
from ratchet.domain.schedules import Schedule
from ratchet.store.documents import SourceStatus
from ratchet.store.incidents import AlertSummary, Firing, ServiceSummary
from ratchet.store.search import Hit
from ratchet.web.parameters import Moment, RecordedChannel, clean


class ChannelOut(BaseModel):
    """`quiet_until` may be past: then it means nothing any more."""

    id: str
    name: str
    kind: str
    mode: str
    member: bool
    archived: bool
    external: bool
    last_seen_ts: str | None
    runbooks: bool
    repeats: bool
    storms: bool
    external_allowed: bool
    quiet_until: datetime | None
    follow_ups: bool
    review_channel: str | None
    owner_group: str | None
    suggest_docs: bool
    quiet_minutes: int
    suggest_in_review: bool

    @classmethod
    def of(cls, channel: Channel) -> ChannelOut:
        return cls.model_validate(asdict(channel) | asdict(channel.manners))


class ChannelChanges(BaseModel):
    """What is not given stays as it is. `quiet_until` null: no longer quiet; without a zone it is in UTC.

    `review_channel`: where drafts wait for a person, by id; null for none. `owner_group`: who is called by a
    click, by id (S…) or @handle; null for nobody. `quiet_minutes`: when a thread counts as quiet.
    """

    model_config = ConfigDict(extra="forbid")

    mode: ChannelMode = "mention"
    runbooks: StrictBool = True
    repeats: StrictBool = True
    storms: StrictBool = True
    external_allowed: StrictBool = False
    quiet_until: Moment | None = None
    follow_ups: StrictBool = False
    review_channel: RecordedChannel | None = None
    owner_group: Annotated[str, StringConstraints(pattern=f"^(?:{GROUP.pattern})$")] | None = None
    suggest_docs: StrictBool = False
    quiet_minutes: Annotated[StrictInt, Field(ge=1, le=MAX_QUIET_MINUTES)] = 240
    suggest_in_review: StrictBool = False


class ScheduleIn(BaseModel):
    """`cron`: five fields. `time_zone`: a name such as Europe/Berlin."""

    model_config = ConfigDict(extra="forbid")

    cron: Annotated[str, AfterValidator(clean), StringConstraints(max_length=100)]
    time_zone: Annotated[str, AfterValidator(clean), StringConstraints(max_length=100)] = "UTC"


class ScheduleOut(BaseModel):
    """`due_at`: the next time."""

    kind: str
    cron: str
    time_zone: str
    due_at: datetime
    last_run_at: datetime | None

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleOut:
        fields = asdict(schedule)
        fields.pop("channel_id")
        return cls.model_validate(fields)


class ScheduleList(BaseModel):
    schedules: list[ScheduleOut]


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


class PassageOut(BaseModel):
    heading: str
    text: str


class DocumentHitOut(BaseModel):
    """A document with its best passages, best first. `url` is "" where nobody can open it."""

    id: str
    source: str
    title: str
    url: str
    passages: list[PassageOut]
    score: float

    @classmethod
    def of(cls, hit: DocumentHit) -> DocumentHitOut:
        return cls.model_validate(asdict(hit))


class SearchResults(BaseModel):
    """`hits` are threads, each by its best message."""

    hits: list[HitOut]
    documents: list[DocumentHitOut]


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
    """By name. `next_after` is the `after` of the next page, null on the last."""

    services: list[ServiceOut]
    next_after: str | None


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
    """Most firings first. `next_offset` is the `offset` of the next page, null on the last."""

    alerts: list[AlertOut]
    next_offset: int | None


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
    """Newest first. `next_before` is the `before` of the next page, null on the last."""

    messages: list[FiringOut]
    next_before: datetime | None


class RunbookOut(BaseModel):
    """`markdown` quotes public channels and documents, with links.

    `content` holds the same in parts: overview, last_fix, causes, steps, earlier, links; each item with the
    messages and documents it rests on. `author` and `version` are of a kept one, `""` and null for quotes.
    """

    service: str | None
    alert: str
    markdown: str
    writer: Literal["extractive", "model", "person"]
    author: str
    version: int | None
    pinned: bool
    content: dict[str, Any]


class RunbookVersion(BaseModel):
    """`author` is a model's name, or the user id of who wrote or pinned it."""

    version: int
    writer: Literal["extractive", "model", "person"]
    author: str
    pinned: bool
    created_at: datetime
    content: dict[str, Any]

    @classmethod
    def of(cls, kept: KeptRunbook) -> RunbookVersion:
        return cls(
            version=kept.version,
            writer=kept.writer,
            author=kept.author,
            pinned=kept.pinned,
            created_at=kept.created_at,
            content=to_json(kept.content),
        )


class RunbookVersions(BaseModel):
    versions: list[RunbookVersion]


class IncidentOut(BaseModel):
    """`closed_at` is null until it is resolved; `firings` counts re-notifications too.

    `state` is open, closed, or expired: never resolved, and nothing was heard of it for 24 hours. `last_at`:
    last firing, edit of a firing message, or the resolve. `acknowledged_at`: first word or reaction of a
    person in its thread. `tta_s` and `ttr_s`: seconds from open to acknowledgement and to resolve.
    """

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
    state: str
    last_at: datetime
    acknowledged_at: datetime | None
    tta_s: float | None
    ttr_s: float | None

    @classmethod
    def of(cls, incident: Incident) -> IncidentOut:
        return cls.model_validate(incident, from_attributes=True)


class IncidentList(BaseModel):
    """Newest first. `next_until` is the `until` of the next page, null on the last."""

    incidents: list[IncidentOut]
    next_until: datetime | None


class EffectList(BaseModel):
    """What the handlers would do, or have been asked to do; each effect names its `kind`."""

    effects: list[dict[str, Any]]


class PartOut(BaseModel):
    name: str
    ready: bool
    state: str
    reason: str


class EmbeddingOut(BaseModel):
    """The model that made the vectors, null before the first; how many texts are found by words only."""

    model: str | None
    dimension: int | None
    waiting: int


class LeftOutOut(BaseModel):
    """A file without a document. Not `lasting`: it is tried again, and what was stored of it is kept."""

    path: str
    reason: str
    lasting: bool = True


class SourceOut(BaseModel):
    """`state`: new, running, ready or failed. `done` of `total` changed files are read while it runs.

    `embedded`: chunks that are found by meaning too. `note`: what somebody should look at.
    """

    name: str
    kind: str = ""
    state: str
    revision: str | None = None
    error: str | None = None
    note: str | None = None
    documents: int = 0
    chunks: int = 0
    embedded: int = 0
    done: int | None = None
    total: int | None = None
    checked_at: datetime | None = None
    refreshed_at: datetime | None = None
    left_out: list[LeftOutOut] = []

    @classmethod
    def of(cls, source: SourceStatus) -> SourceOut:
        values = asdict(source)
        return cls(left_out=values.pop("problems"), **values)


class SourceList(BaseModel):
    sources: list[SourceOut]


class RefreshOut(BaseModel):
    sources: list[str]
    queued: int


class Readiness(BaseModel):
    ready: bool
    parts: list[PartOut]


class Liveness(BaseModel):
    """`database`: answers, or why it does not."""

    ok: bool
    database: str


class Version(BaseModel):
    version: str
