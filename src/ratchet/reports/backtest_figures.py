"""A replay in figures, by alert and in total; as JSON, as Markdown and as bars. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Final

from ratchet.reports.as_of import grouped
from ratchet.reports.backtest import Case, Post, Replay, misses
from ratchet.reports.channel import percentile

FEW: Final = 10
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts are of incidents unless said otherwise; shares run from 0 to 1, None when of nothing.

    repeats         with an earlier firing of the same alert that could be seen
    covered         that would have had a runbook; `borrowed`: from another service's threads
    acted           under which people named a command, a link, a flag or a service
    judged          both covered and acted
    hits            judged, and the runbook names something of what people then did
    hit_kinds       hits by what was named (`actions.Kind`); one incident may count for several
    reachable       acted, and something of it had been named under an earlier firing: the most hits possible
    first           hits by the first item already; `mean_rank`: of the first useful item of all hits
    silent          without a runbook; `silent_rightly`: because nothing was known
    unneeded        covered, and no person wrote anything under it
    posted          runbooks that would have been posted; `storms`: summaries instead
    still_open      one line instead, under a repeat; `flaps`: under a firing soon after a close
    false           answers to what was no incident
    size            bytes posted; `tokens` spent on it
    write_p50_ms    time to write one runbook, without the database
    """

    incidents: int
    repeats: int
    covered: int
    borrowed: int
    acted: int
    judged: int
    hits: int
    hit_kinds: dict[str, int]
    reachable: int
    first: int
    mean_rank: float | None
    silent: int
    silent_rightly: int
    unneeded: int
    posted: int
    still_open: int
    flaps: int
    storms: int
    false: int
    size: int
    tokens: int
    write_p50_ms: float | None
    write_p95_ms: float | None

    @property
    def coverage(self) -> float | None:
        return share(self.covered, self.incidents)

    @property
    def repeat_coverage(self) -> float | None:
        return share(self.covered, self.repeats)

    @property
    def hit_rate(self) -> float | None:
        return share(self.hits, self.judged)

    @property
    def reached(self) -> float | None:
        """Hits as a share of the most there can be."""
        return share(self.hits, self.reachable)

    @property
    def abstained_rightly(self) -> float | None:
        return share(self.silent_rightly, self.silent)


@dataclass(frozen=True, slots=True)
class AlertFigures:
    alert: str
    service: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    total: Figures
    alerts: Sequence[AlertFigures]
    misses: Sequence[Case]


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def report(replay: Replay) -> Report:
    """The alert with most incidents first."""
    cases = grouped((_name(c.incident.alert, c.incident.service), c) for c in replay.cases)
    posts = grouped((_name(p.firing.alert, p.firing.service), p) for p in replay.posts)
    alerts = [
        AlertFigures(*name, figures(cases.get(name, ()), posts.get(name, ())))
        for name in sorted({*cases, *posts}, key=lambda n: (-len(cases.get(n, ())), n))
    ]
    return Report(figures(replay.cases, replay.posts), alerts, misses(replay.cases))


def _name(alert: str | None, service: str | None) -> Name:
    return (alert or "", service or "")


def figures(cases: Sequence[Case], posts: Sequence[Post]) -> Figures:
    ranks = [case.rank for case in cases if case.rank is not None]
    silent = [case for case in cases if case.written is None]
    times = [case.seconds * 1000 for case in cases]
    return Figures(
        incidents=len(cases),
        repeats=sum(case.earlier > 0 for case in cases),
        covered=len(cases) - len(silent),
        borrowed=sum(case.written is not None and case.written.borrowed for case in cases),
        acted=sum(bool(case.did) for case in cases),
        judged=sum(bool(case.did) and case.written is not None for case in cases),
        hits=len(ranks),
        hit_kinds=dict(Counter(kind for case in cases for kind in sorted({a.kind for a in case.helped}))),
        reachable=sum(bool(case.reachable) for case in cases),
        first=ranks.count(1),
        mean_rank=fmean(ranks) if ranks else None,
        silent=len(silent),
        silent_rightly=sum(not case.known for case in silent),
        unneeded=sum(case.written is not None and not case.words for case in cases),
        posted=sum(post.answer.runbook for post in posts),
        still_open=sum(post.line == "still open" for post in posts),
        flaps=sum(post.line == "flaps" for post in posts),
        storms=sum(post.line == "storm" for post in posts),
        false=sum(post.false for post in posts),
        size=sum(post.answer.size for post in posts),
        tokens=sum(post.answer.tokens for post in posts),
        write_p50_ms=percentile(times, 0.5),
        write_p95_ms=percentile(times, 0.95),
    )


def as_json(found: Report) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "total": _values(found.total),
        "alerts": [
            {"alert": line.alert or None, "service": line.service or None, **_values(line.figures)}
            for line in found.alerts
        ],
        "misses": [_miss(case) for case in found.misses],
    }


def _values(found: Figures) -> dict[str, Any]:
    shares = {
        "coverage": found.coverage,
        "repeat_coverage": found.repeat_coverage,
        "hit_rate": found.hit_rate,
        "reached": found.reached,
        "abstained_rightly": found.abstained_rightly,
    }
    return {**asdict(found), **shares}


def _miss(case: Case) -> dict[str, Any]:
    incident = case.incident
    return {
        "channel_id": incident.channel_id,
        "ts": incident.open_ts,
        "opened_at": incident.opened_at.isoformat(),
        "alert": incident.alert,
        "service": incident.service,
        "did": sorted(map(str, case.did)),
        "known_before": sorted(map(str, case.reachable)),
        "runbook": [item.ts for item in case.written.items] if case.written else None,
    }


def summary(found: Figures) -> list[tuple[str, str, str]]:
    """Rows of (what, value, meaning) for the total."""
    if not found.incidents:
        return []
    return [
        ("Incidents", f"{found.incidents:,}", f"{found.repeats:,} of an alert that had fired before"),
        ("Coverage", percent(found.coverage), f"{found.covered:,} would have had a runbook"
         f" ({percent(found.repeat_coverage)} of those that had fired before)"),
        ("Hit rate", percent(found.hit_rate), f"{found.hits:,} of {found.judged:,} runbooks name"
         f" what people then did{_kinds(found)}"),
        ("Reached", percent(found.reached), f"of the {found.reachable:,} incidents in which people did"
         " what had been written under an earlier firing"),
        ("First item", percent(share(found.first, found.hits)), "of the hits: it is 'what fixed it last time'"
         f" (mean rank {number(found.mean_rank)})"),
        ("Silent", f"{found.silent:,}", f"{found.silent_rightly:,} rightly: nothing was known"),
        ("Unneeded", f"{found.unneeded:,}", "runbooks under incidents in which no person wrote a word"),
        ("Posted", f"{found.posted:,}", f"runbooks; and one line instead: {found.still_open:,} still open,"
         f" {found.flaps:,} flaps; storms summed up: {found.storms:,}"),
        ("False", f"{found.false:,}", "answers to what was no incident"),
        ("Spent", f"{found.tokens:,} tokens", f"{found.size:,} bytes posted; a runbook takes"
         f" {number(found.write_p50_ms)} ms (p95 {number(found.write_p95_ms)} ms)"),
    ]  # fmt: skip


def caveat(found: Figures, channels: int) -> str | None:
    """What must be said before anybody reads the figures."""
    where = "the channel" if channels == 1 else f"the {channels:,} channels"
    if not found.incidents:
        return (
            f"No incident is recorded in {where}, so there is nothing to replay."
            " Ratchet opens incidents from what alerting tools post; import or invite it to where they post."
        )
    if not found.judged:
        return f"Of {found.incidents:,} incidents, none had both a runbook and a thread to compare it with."
    if found.judged < FEW:
        what = "incident" if found.judged == 1 else "incidents"
        return f"Only {found.judged:,} {what} can be judged: take the hit rate with care."
    return None


def _kinds(found: Figures) -> str:
    parts = [f"{kind} {count:,}" for kind, count in sorted(found.hit_kinds.items())]
    return f" ({', '.join(parts)})" if parts else ""


def percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


HEAD: Final = (
    "alert",
    "service",
    "incidents",
    "covered",
    "judged",
    "hits",
    "reachable",
    "first",
    "lines",
    "false",
)


def row(line: AlertFigures) -> tuple[str, ...]:
    """One alert's cells, below `HEAD`."""
    found = line.figures
    counts = (found.incidents, found.covered, found.judged, found.hits, found.reachable, found.first)
    lines = found.still_open + found.flaps
    return (line.alert or "(no name)", line.service or "–", *map(str, (*counts, lines, found.false)))


def markdown(found: Report, channels: int) -> str:
    """What `--markdown` prints."""
    warning = caveat(found.total, channels)
    parts = ["# Backtest", *([warning] if warning else [])]
    if found.total.incidents:
        parts.append(_table(("figure", "value", "meaning"), summary(found.total)))
        parts.append(_table(HEAD, [row(line) for line in found.alerts]))
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, cells)) + " |" for cells in lines)


def _cell(text: str) -> str:
    return re.sub(r"[|`\s]+", " ", text).strip() or "–"


@dataclass(frozen=True, slots=True)
class Bar:
    """Incidents of one alert: the runbook helped, there was one, there was none."""

    title: str
    hits: int
    others: int
    silent: int


def bars(found: Report, most: int = 15) -> list[Bar]:
    """The alerts with most incidents."""
    return [
        Bar(
            line.alert or line.service or "(no name)",
            line.figures.hits,
            line.figures.covered - line.figures.hits,
            line.figures.silent,
        )
        for line in found.alerts[:most]
        if line.figures.incidents
    ]
