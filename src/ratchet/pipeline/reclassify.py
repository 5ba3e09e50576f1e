"""The built-in rules once more over what is recorded, after they changed. Nothing is posted, no handler runs.

What they do not know is judged by what the model said before; it is asked nothing.

Only the present version of a message is judged again: of older versions the words are gone. What they said is
kept, and goes by the name that the present version now has, so that opens and closes still pair. An `ignore`
rule is about the message whatever it says, and takes older versions with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ratchet.alerts import IGNORED, AlertModel
from ratchet.domain.incidents import Action, IncidentAction
from ratchet.domain.messages import Message
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.understand import by_record
from ratchet.store import incidents, messages
from ratchet.store import reclassify as store
from ratchet.store.pool import Connection, Database
from ratchet.store.reclassify import Event

BATCH: Final = 500
SHOWN: Final = 20

Judgement = tuple[str, str]  # tool, action


@dataclass(frozen=True, slots=True)
class Difference:
    """What was recorded about the present version of a message, and what is now. None: no alert."""

    channel_id: str
    ts: str
    before: Event | None
    after: Event | None


@dataclass(slots=True)
class Report:
    """`read` messages, of them `judged` by bots; `changed` differ. `first` are the first differences.

    `before` and `after` count opens and closes by tool and action.
    """

    read: int = 0
    judged: int = 0
    changed: int = 0
    before: Counter[Judgement] = field(default_factory=Counter)
    after: Counter[Judgement] = field(default_factory=Counter)
    first: list[Difference] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reclassify:
    """Channel by channel, each page in a transaction of its own: it may be stopped and repeated."""

    db: Database
    classifier: BuiltIn
    dry_run: bool = False
    batch: int = BATCH
    alert_model: AlertModel = "off"

    async def run(
        self,
        channel_id: str | None = None,
        since: str = store.FIRST,
        told: Callable[[int, int], None] = lambda done, total: None,
    ) -> Report:
        """`since`: a ts. `told` hears of the messages done and of all."""
        report = Report()
        total = await store.count(self.db, channel_id, since)
        for channel in await store.channel_ids(self.db, channel_id):
            after: str | None = store.FIRST
            while after is not None:
                after = await self._page(channel, after, since, report)
                told(report.read, max(total, report.read))
        return report

    async def _page(self, channel_id: str, after: str, since: str, report: Report) -> str | None:
        """Where the next page starts; None after the last."""
        async with self.db.transaction() as conn:
            if not self.dry_run:
                await messages.lock_channels(conn, [channel_id])
            page = await store.page(conn, channel_id, after, since, self.batch)
            recorded = await store.events(conn, channel_id, [message.ts for message in page.messages])
            judged = [(message, self.classifier.judge(message)) for message in page.messages]
            actions = await by_record(conn, channel_id, judged, self.alert_model, self.classifier.rules)
            changes = [
                change
                for message, action in zip(page.messages, actions, strict=True)
                if (change := _judged(message, action, recorded.get(message.ts, []), report))
            ]
            if not self.dry_run:
                await _write(conn, channel_id, changes)
        report.read += page.read
        return page.last if page.read == self.batch else None


def _judged(
    message: Message, action: IncidentAction, recorded: Sequence[Event], report: Report
) -> _Change | None:
    before = next((event for event in recorded if event.version == message.version), None)
    after = _event(message, action) if action.action is not Action.NONE else None
    report.judged += 1
    report.before.update([(before.tool, before.action)] if before else [])
    report.after.update([(after.tool, after.action)] if after else [])
    change = _change(message, action, recorded, before, after)
    if change is None:
        return None
    report.changed += 1
    if len(report.first) < SHOWN:
        report.first.append(Difference(message.channel_id, message.ts, before, after))
    return change


@dataclass(frozen=True, slots=True)
class _Change:
    record: Sequence[incidents.Judged] = ()
    forget: Sequence[Event] = ()
    rename: Sequence[Event] = ()


def _change(
    message: Message,
    action: IncidentAction,
    recorded: Sequence[Event],
    before: Event | None,
    after: Event | None,
) -> _Change | None:
    """None when the record is right already."""
    older = [event for event in recorded if event.version < message.version]
    if after is None:
        gone = [event for event in recorded if event is before]
        if action.rule.startswith(IGNORED):
            gone = list(recorded)
        elif before is not None:
            # History gives an edited close an open as well, which nobody ever saw.
            gone += [
                event
                for event in older
                if replace(event, version=before.version, action=before.action) == before
            ]
        return _Change(forget=gone) if gone else None
    if before == after:
        return None
    called = _name(before or older[-1]) if before or older else None
    renamed = [
        replace(event, pair_key=after.pair_key, service=after.service, alert=after.alert)
        for event in older
        if _name(event) == called != _name(after)
    ]
    return _Change(record=_recorded(message, action, before, older), rename=renamed)


def _recorded(
    message: Message, action: IncidentAction, before: Event | None, older: Sequence[Event]
) -> Sequence[incidents.Judged]:
    """When it came to say so stays as recorded, if it was; else it is as for a message from history."""
    if before is not None:
        return [incidents.judged(message, action)]
    found = incidents.judged_from_history(message, action)
    return found if not older else [one for one in found if one.version == message.version]


def _name(event: Event) -> tuple[str | None, str | None, str | None]:
    return event.pair_key, event.service, event.alert


def _event(message: Message, action: IncidentAction) -> Event:
    return Event(
        message.channel_id,
        message.ts,
        message.version,
        action.action.value,
        action.pair_key,
        action.service,
        action.alert,
        action.priority,
        action.tool,
        store.attrs_of(action),
    )


async def _write(conn: Connection, channel_id: str, changes: Sequence[_Change]) -> None:
    await store.forget(conn, channel_id, [event for change in changes for event in change.forget])
    await store.rename(conn, channel_id, [event for change in changes for event in change.rename])
    await incidents.record(conn, [judged for change in changes for judged in change.record])
