"""What reports are made of: rows as the store reads them. Times are UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ratchet.domain.incidents import Priority

AlertName = tuple[str | None, str | None]
"""Service and alert."""


# Steps and replies come by the thousand: tuples are made in a tenth of the time.
class Step(NamedTuple):
    """One version of a message that opens or closes an incident, as the view `incident_steps` has it.

    `stays`: an edit that keeps the message open. `stated_s`: the duration that a resolve itself states.
    """

    ts: str
    version: str
    parent_ts: str | None
    happened_at: datetime
    action: str
    pair_key: str
    service: str | None
    alert: str | None
    priority: Priority
    tool: str
    stays: bool
    stated_s: float | None = None

    @property
    def thread_ts(self) -> str:
        return self.parent_ts or self.ts


class HumanReply(NamedTuple):
    """What a person wrote in the thread under `root_ts`. `text` may be cut, or "" where nobody needs it."""

    root_ts: str
    ts: str
    text: str


@dataclass(frozen=True, slots=True)
class HumanReactions:
    """Reactions of people in the thread under `root_ts`. `given`: of those whose time is known."""

    root_ts: str
    count: int
    given: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Help:
    """What there is to say about an alert when it fires.

    kept: a runbook that a model or a person wrote. documented: a document names it. triaged: people wrote
    under one of its firings.
    """

    kept: bool = False
    documented: bool = False
    triaged: bool = False

    def __bool__(self) -> bool:
        return self.kept or self.documented or self.triaged


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """Counts of one channel's window.

    bot_messages     of bots other than Ratchet; `bot_alerts` of them opened or closed an incident
    waiting          messages that wait for the model to say what they are
    recorded_since   when the oldest message of the channel was posted, None for none
    """

    messages: int
    by_people: int
    bot_messages: int
    bot_alerts: int
    waiting: int
    recorded_since: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelRows:
    """Everything a channel report is made of.

    since, until   the window; `before`: where the equally long window before it begins
    steps          of both windows, and as far back as what is open may have begun, in any order
    cut            there were more steps than are read: the oldest are left out
    """

    channel_id: str
    before: datetime
    since: datetime
    until: datetime
    steps: Sequence[Step]
    replies: Sequence[HumanReply]
    reactions: Sequence[HumanReactions]
    facts: ChannelFacts
    help: Mapping[AlertName, Help] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True, slots=True)
class AlertCount:
    """An alert over several channels. `firings`: messages that opened it, re-notifications included."""

    service: str | None
    alert: str
    priority: Priority
    firings: int
    channels: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Answers:
    """What one module said in one channel, by id. `channel` is "" for channels that may not be named here.

    `up`, `down`: people who found an answer good or bad, by button or reaction.
    """

    module: str
    channel: str
    messages: int
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class ModelCalls:
    """Turns with a model that have something in common: `of` says what, `name` which.

    `of` is `total`, `purpose`, `model`, `channel` or `error`; `name` is "" for none, and for a channel that
    may not be named here. `cost_usd` sums what is known; `unpriced` turns have no known price. Times in
    seconds.
    """

    of: str
    name: str
    turns: int
    failed: int
    requests: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unpriced: int
    seconds_p50: float | None
    seconds_p95: float | None


@dataclass(frozen=True, slots=True)
class UsageRows:
    """Everything a usage report is made of.

    approvals   how many were asked for, by state
    runbooks    versions kept, by who wrote them; `pinned`: how many are pinned now
    channels    names of the channels by id, as people write them
    """

    since: datetime
    until: datetime
    answers: Sequence[Answers]
    calls: Sequence[ModelCalls]
    approvals: Mapping[str, int]
    runbooks: Mapping[str, int]
    pinned: int
    channels: Mapping[str, str] = field(default_factory=dict)
