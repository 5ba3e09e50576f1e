"""`ratchet backtest`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ratchet import alerts
from ratchet.alerts import likeness
from ratchet.app import open_store
from ratchet.domain.effects import Post, Reply
from ratchet.domain.errors import Misconfigured, Refused
from ratchet.domain.incidents import Action, IncidentAction
from ratchet.domain.messages import Channel, Message, MessageRef, Sender
from ratchet.handlers.base import Trigger
from ratchet.handlers.evidence import Evidence, Gather
from ratchet.handlers.runbook import Names, RunbookHandler, RunbookTeller
from ratchet.handlers.runbook_writer import Asked, RunbookWriter
from ratchet.reports import backtest_figures as figures
from ratchet.reports.as_of import AsOf, EventLike, recorded_history
from ratchet.reports.backtest import Answer, Backtest, Written
from ratchet.settings import Settings
from ratchet.store import naming
from ratchet.store.backtest import Recording, load
from ratchet.store.channels import Channels
from ratchet.store.pool import Database
from ratchet.tools.base import WorkspaceLinks

LINKS: Final = WorkspaceLinks("https://app.slack.com")
DAYS: Final = re.compile(r"(\d{1,5})d")
BAR: Final = 40
SHOWN: Final = 30


@dataclass(frozen=True, slots=True)
class Options:
    """`channel`: id or name, None for all. `since`: a date, or days back (`30d`)."""

    channel: str | None = None
    since: str | None = None
    as_json: bool = False
    markdown: bool = False


@dataclass(frozen=True, slots=True)
class KnownNames:
    """People's names, read once."""

    all: Mapping[str, str]

    async def names(self, user_ids: Sequence[str]) -> dict[str, str]:
        return {user: self.all[user] for user in user_ids if user in self.all}


@dataclass(frozen=True, slots=True)
class Watched(Gather):
    """Remembers what it found as of a moment, so that nothing is read twice."""

    moment: datetime | None = None
    found: dict[tuple[object, ...], Evidence | None] = field(default_factory=dict)

    async def evidence(
        self, service: str | None, alert: str, before: datetime, visible_from: str
    ) -> Evidence | None:
        asked = (self.moment, service, alert, before, visible_from)
        if asked not in self.found:
            self.found[asked] = await Gather.evidence(self, service, alert, before, visible_from)
        return self.found[asked]


@dataclass(frozen=True, slots=True)
class ExtractiveRunbooks:
    """What answers under alerts in Slack, without a model; satisfies `ratchet.reports.backtest.Product`.

    Documents and what people pinned are left out: how they read at the time is not recorded.
    """

    names: Names
    _found: dict[tuple[object, ...], Evidence | None] = field(default_factory=dict)

    async def write(self, record: AsOf, firing: EventLike) -> Written | None:
        if firing.alert is None:
            return None
        asked = Asked(firing.service, firing.alert, record.moment, firing.channel_id)
        runbook = await self._writer(record).write(asked)
        if runbook is None or runbook.evidence is None:
            return None
        cited = [runbook.messages[ref] for item in runbook.content.items() for ref in item.messages]
        return Written(cited, runbook.evidence.origin != "same")

    async def post(self, record: AsOf, firing: EventLike) -> Answer | None:
        trigger = _trigger(firing)
        handler = RunbookHandler(self._writer(record), RunbookTeller(self.names, LINKS), record)
        effects = await handler.handle(trigger) if handler.wants(trigger) else ()
        said = [effect for effect in effects if isinstance(effect, Reply | Post)]
        if not said:
            return None
        # Only what helps or not is asked about with buttons; a line is not.
        runbook = any(isinstance(effect, Reply) and effect.feedback for effect in said)
        once = next((effect.once for effect in said if isinstance(effect, Post)), None)
        return Answer(runbook, once, _size(said), _tokens(said))

    def _writer(self, record: AsOf) -> RunbookWriter:
        return RunbookWriter(Watched(record, record, names=record, moment=record.moment, found=self._found))


def _trigger(firing: EventLike) -> Trigger:
    sender = Sender("bot", "")
    message = Message(firing.channel_id, firing.ts, sender, "", firing.version, firing.parent_ts)
    incident = IncidentAction(
        Action(firing.action), alert=firing.alert, service=firing.service, pair_key=firing.pair_key
    )
    return Trigger(message, Channel(firing.channel_id, ""), "", incident)


def _size(said: Sequence[Reply | Post]) -> int:
    return sum(len(effect.markdown.encode()) for effect in said)


def _tokens(said: Sequence[Reply | Post]) -> int:
    return sum(effect.footer.tokens for effect in said if effect.footer is not None)


async def run(settings: Settings, options: Options) -> None:
    """Replay and print. Raises Refused, Misconfigured."""
    since = parse_since(options.since, datetime.now(UTC)) if options.since else None
    async with open_store(settings) as store:
        channels = await _channels(store.db, options.channel)
        asked = [channel.id for channel in channels] if options.channel else None
        recording = await load(store.db, asked, since)
        names = await Channels(store.db).names(sorted(_people(recording)))
    # An operator's own classifier may know better than the built-in rules what is no incident.
    refused = set() if settings.classifier_command else no_incidents(recording.payloads, settings.rules)
    found = await replay(recording, KnownNames(names), refused)
    if options.as_json:
        typer.echo(json.dumps(figures.as_json(found), indent=2))
    elif options.markdown:
        typer.echo(figures.markdown(found, len(channels)), nl=False)
    else:
        show(found, len(channels), Console())


async def replay(recording: Recording, names: Names, refused: set[MessageRef]) -> figures.Report:
    alike = likeness.Names({event.alert for event in recording.events if event.alert}, naming.words)
    history = recorded_history(recording.events, recording.replies, recording.public, alike)
    backtest = Backtest(history, ExtractiveRunbooks(names), time.perf_counter, refused)
    return figures.report(await backtest.run(recording.incidents))


def parse_since(text: str, now: datetime) -> datetime:
    """`2026-09-01`, an ISO time, or `30d` before now; UTC unless it says otherwise. Raises Misconfigured."""
    if days := DAYS.fullmatch(text):
        return now - timedelta(days=int(days.group(1)))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"--since: {text!r} is neither a date (2026-09-01) nor days back (30d)") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def no_incidents(
    payloads: Mapping[MessageRef, Mapping[str, Any]], rules: alerts.Rulebook = alerts.NO_RULES
) -> set[MessageRef]:
    """Opening messages that the rules of today take for no incident at all."""

    def judged(ref: MessageRef, payload: Mapping[str, Any]) -> Action:
        return alerts.classify(payload, channel=ref.channel_id, rules=rules).action

    return {ref for ref, payload in payloads.items() if judged(ref, payload) is Action.NONE}


async def _channels(db: Database, wanted: str | None) -> list[Channel]:
    if wanted is None:
        return await Channels(db).all()
    found = await Channels(db).find(wanted)
    if found is None:
        raise Refused(f"--channel: no channel {wanted!r} is recorded; give its name or its id")
    return [found]


def _people(recording: Recording) -> set[str]:
    """Who wrote, and who is mentioned."""
    mentioned = re.compile(r"<@([A-Z0-9]{1,40})")
    people = {reply.message.sender.id for reply in recording.replies}
    return people.union(*(mentioned.findall(reply.message.text) for reply in recording.replies))


def show(found: figures.Report, channels: int, console: Console) -> None:
    """For a terminal: the figures, the bars, the alerts, and what was missed."""
    warning = figures.caveat(found.total, channels)
    if warning:
        console.print(warning, style="yellow", highlight=False)
    if not found.total.incidents:
        return
    console.print(_summary(found), _bars(found), _alerts(found), sep="\n")
    if found.misses:
        console.print(
            f"{len(found.misses):,} incidents in which it was known and not said; --json lists them."
        )


def _summary(found: figures.Report) -> Table:
    table = Table(title="Backtest", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for cells in figures.summary(found.total):
        table.add_row(*map(Text, cells))
    return table


def _bars(found: figures.Report) -> Table:
    """Green: it names what people then did. Yellow: another runbook. Dim: silence."""
    bars = figures.bars(found)
    most = max((bar.hits + bar.others + bar.silent for bar in bars), default=1)
    table = Table(
        title="█ helped  ▒ other runbook  · nothing said", title_justify="left", show_header=False, box=None
    )
    for bar in bars:
        drawn = Text()
        for count, mark, style in (
            (bar.hits, "█", "green"),
            (bar.others, "▒", "yellow"),
            (bar.silent, "·", "dim"),
        ):
            drawn.append(mark * round(count * BAR / max(most, BAR)), style=style)
        table.add_row(Text(bar.title), drawn)
    return table


def _alerts(found: figures.Report) -> Table:
    table = Table(title="By alert", title_justify="left", box=None)
    for place, name in enumerate(figures.HEAD):
        table.add_column(name, justify="left" if place < 2 else "right", overflow="fold")
    for line in found.alerts[:SHOWN]:
        table.add_row(*map(Text, figures.row(line)))
    return table
