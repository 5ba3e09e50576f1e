"""`ratchet reclassify`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ratchet.app import open_store
from ratchet.domain.errors import Misconfigured, Refused
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.reclassify import Difference, Reclassify, Report
from ratchet.settings import Settings
from ratchet.store.channels import Channels
from ratchet.store.reclassify import FIRST, Event

_BACK: Final = re.compile(r"(\d{1,5})([dh])")


@dataclass(frozen=True, slots=True)
class Options:
    """`channel`: id or name, None for all. `since`: a date, or days or hours back."""

    channel: str | None = None
    since: str | None = None
    dry_run: bool = False
    as_json: bool = False


async def run(settings: Settings, options: Options) -> None:
    """Judge again and print what changed. Raises Refused, Misconfigured."""
    if settings.classifier_command:
        raise Misconfigured(
            "Your own classifier decides here, and reclassify runs the built-in rules only."
            " Unset RATCHET_CLASSIFIER_INCIDENT_CLASSIFICATION_BINARY to judge everything by them."
        )
    since = _since(options.since, datetime.now(UTC))
    async with open_store(settings) as store:
        channel = None
        if options.channel is not None:
            found = await Channels(store.db).find(options.channel)
            if found is None:
                raise Refused(f"No channel {options.channel} is recorded.")
            channel = found.id
        again = Reclassify(
            store.db, BuiltIn(settings.rules), options.dry_run, alert_model=settings.alert_model
        )
        report = await _with_progress(again, channel, since)
    typer.echo(
        json.dumps(to_json(report), indent=2) if options.as_json else describe(report, options.dry_run)
    )


async def _with_progress(again: Reclassify, channel: str | None, since: str) -> Report:
    columns = (
        TextColumn("Judging"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("messages"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("judging", total=None)
        return await again.run(
            channel, since, lambda done, total: progress.update(bar, completed=done, total=total)
        )


def _since(text: str | None, now: datetime) -> str:
    """A ts. Raises Refused."""
    if text is None:
        return FIRST
    if back := _BACK.fullmatch(text):
        when = now - (timedelta(days=int(back[1])) if back[2] == "d" else timedelta(hours=int(back[1])))
    else:
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            raise Refused(f"--since: {text} is neither a date such as 2026-01-31 nor 30d or 12h.") from None
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return f"{max(when.timestamp(), 0):017.6f}"


def to_json(report: Report) -> dict[str, Any]:
    return {
        "read": report.read,
        "judged": report.judged,
        "changed": report.changed,
        "before": _counts(report.before),
        "after": _counts(report.after),
        "first_differences": [
            {
                "channel": one.channel_id,
                "ts": one.ts,
                "before": _values(one.before),
                "after": _values(one.after),
            }
            for one in report.first
        ],
    }


def _counts(counted: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"tool": tool, "action": action, "messages": count}
        for (tool, action), count in sorted(counted.items())
    ]


def _values(event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    return {
        "action": event.action,
        "alert": event.alert,
        "service": event.service,
        "priority": event.priority,
        "tool": event.tool,
        "pair_key": event.pair_key,
        "rule": event.attrs.get("rule"),
    }


def describe(report: Report, dry_run: bool) -> str:
    """The report for a person."""
    return "\n".join(_lines(report, dry_run))


def _lines(report: Report, dry_run: bool) -> Iterator[str]:
    done = "would change" if dry_run else "changed"
    yield f"{report.changed:,} of {report.judged:,} messages of bots {done} ({report.read:,} messages read)."
    for key in sorted({*report.before, *report.after}):
        before, after = report.before[key], report.after[key]
        arrow = f"{before:,}" if before == after else f"{before:,} → {after:,}"
        yield f"  {key[0]} {key[1]}: {arrow}"
    for one in report.first:
        yield from _difference(one)
    if report.changed > len(report.first):
        yield f"  … and {report.changed - len(report.first):,} more"


def _difference(one: Difference) -> Iterator[str]:
    yield f"  {one.channel_id} {one.ts}"
    yield f"    - {_shown(one.before)}"
    yield f"    + {_shown(one.after)}"


def _shown(event: Event | None) -> str:
    if event is None:
        return "no alert"
    what = f"{event.action}: {event.alert or 'unnamed'} on {event.service or 'no service'}, {event.priority}"
    return f"{what} ({event.tool}, {event.attrs.get('rule')}, key {event.pair_key})"
