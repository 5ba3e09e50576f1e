"""What Ratchet itself did and cost: rows in, figures out. Pure. What each means: docs/reports.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from ratchet.domain.reports import Answers, ModelCalls, UsageRows
from ratchet.reports.channel_json import jsonable

NO_CALLS: Final = ModelCalls("total", "", 0, 0, 0, 0, 0, 0, 0.0, 0, None, None)
ELSEWHERE: Final = "elsewhere"


@dataclass(frozen=True, slots=True)
class Said:
    """Messages said and what people thought of them, for one module or channel."""

    name: str
    messages: int
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class UsageReport:
    """From `since` to `until` (UTC).

    answers               messages by module and channel, most first; `up` and `down`: 👍 and 👎
    modules, channels     the same summed; in channels that may not be named here: `elsewhere`
    total                 turns with language models: requests, tokens, cost, seconds (p50, p95)
    purposes, models      the same by what they were for, by model, and by channel (`channel_calls`)
    errors                failed turns by kind
    approvals             asked for, by what became of them
    runbooks              versions kept, by who wrote them; `pinned`: pinned now
    """

    since: datetime
    until: datetime
    answers: tuple[Answers, ...]
    modules: tuple[Said, ...]
    channels: tuple[Said, ...]
    total: ModelCalls
    purposes: tuple[ModelCalls, ...]
    models: tuple[ModelCalls, ...]
    channel_calls: tuple[ModelCalls, ...]
    errors: Mapping[str, int]
    approvals: Mapping[str, int]
    runbooks: Mapping[str, int]
    pinned: int
    names: Mapping[str, str]

    @property
    def days(self) -> int:
        return max(1, round((self.until - self.since).total_seconds() / 86_400))

    @property
    def messages(self) -> int:
        return sum(one.messages for one in self.answers)

    def name(self, channel: str) -> str:
        return self.names.get(channel, channel) or ELSEWHERE


def usage_report(rows: UsageRows) -> UsageReport:
    calls: dict[str, list[ModelCalls]] = {}
    for one in rows.calls:
        calls.setdefault(one.of, []).append(one)
    return UsageReport(
        since=rows.since,
        until=rows.until,
        answers=tuple(rows.answers),
        modules=_summed((one.module, one) for one in rows.answers),
        channels=_summed((one.channel, one) for one in rows.answers),
        total=next(iter(calls.get("total", ())), NO_CALLS),
        purposes=tuple(calls.get("purpose", ())),
        models=tuple(calls.get("model", ())),
        channel_calls=tuple(calls.get("channel", ())),
        errors={one.name: one.failed for one in calls.get("error", ())},
        approvals=dict(rows.approvals),
        runbooks=dict(rows.runbooks),
        pinned=rows.pinned,
        names=dict(rows.channels),
    )


def _summed(named: Iterable[tuple[str, Answers]]) -> tuple[Said, ...]:
    sums: dict[str, tuple[int, int, int]] = {}
    for name, one in named:
        messages, up, down = sums.get(name, (0, 0, 0))
        sums[name] = (messages + one.messages, up + one.up, down + one.down)
    found = (Said(name, *counts) for name, counts in sums.items())
    return tuple(sorted(found, key=lambda said: (-said.messages, said.name)))


def as_json(report: UsageReport) -> dict[str, Any]:
    """Times in UTC as ISO 8601; channels by id, their names under `names`."""
    plain: dict[str, Any] = jsonable(asdict(report) | {"messages": report.messages})
    return plain
