"""Which alerts make the toil, and what to do about each. Pure.

Noise is measured on templates: names of several words count as one when they differ in numbers, addresses
and ids only (`Disk 91% full on db-1`). A name of one word is its own template.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal

from ratchet.domain.incidents import Priority
from ratchet.domain.reports import AlertName, Help
from ratchet.reports.channel_cases import Case
from ratchet.reports.channel_times import duration, percentile

LONG_S: Final = 4 * 3600.0
# Fewer opens than that are no pattern.
FEW: Final = 3
MANY_REPEATS: Final = 10
PER_DAY: Final = 1.0

Cause = Literal[
    "flaps",
    "self-heals",
    "never touched",
    "duplicates",
    "never resolved",
    "long-running",
    "no runbook",
]
_CHANGING: Final = re.compile(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
    r"|\b(?=[0-9a-f]{0,40}\d)[0-9a-f]{8,64}\b"
    r"|(?<!\w)\d+(?:[.,:]\d+)*(?:%|[kmgt]i?b?\b|m?s\b)?(?!\w)",
    re.IGNORECASE,
)


@lru_cache(maxsize=4_096)
def template(alert: str | None) -> str | None:
    """The name under which an alert is counted."""
    if alert is None or " " not in alert:
        return alert
    return _CHANGING.sub("…", alert)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and times of the incidents that opened in a window. Shares are of `opens`, 0 to 1.

    opens            incidents; re-notifications apart
    untriaged        no person wrote in their threads
    untouched        no person wrote or reacted there
    no_touch         closed and untouched; `self_healed`: and closed within 5 minutes
    flaps            opens whose key opened, closed and opened again within 60 minutes
    expired          never resolved, and silent for so long that they count as over
    tta_*_s          seconds from open to a person's first word or reaction, of those that got one
    ttr_*_s          seconds from open to close (a stated duration wins), of those that closed
    """

    opens: int
    renotifications: int
    untriaged: int
    untouched: int
    closed: int
    no_touch: int
    self_healed: int
    flaps: int
    expired: int
    tta_p50_s: float | None
    tta_p95_s: float | None
    ttr_p50_s: float | None
    ttr_p95_s: float | None

    @property
    def untriaged_share(self) -> float:
        return self.untriaged / self.opens if self.opens else 0.0

    @property
    def untouched_share(self) -> float:
        return self.untouched / self.opens if self.opens else 0.0

    @property
    def no_touch_share(self) -> float:
        return self.no_touch / self.opens if self.opens else 0.0

    @property
    def self_healed_share(self) -> float:
        return self.self_healed / self.opens if self.opens else 0.0


def figures(cases: Sequence[Case]) -> Figures:
    noticed = [tta for case in cases if (tta := case.tta_s) is not None]
    resolved = [ttr for case in cases if (ttr := case.ttr_s) is not None]
    untouched = [case for case in cases if not case.touched]
    return Figures(
        opens=len(cases),
        renotifications=sum([case.incident.firings - 1 for case in cases]),
        untriaged=sum([case.replies == 0 for case in cases]),
        untouched=len(untouched),
        closed=sum([case.incident.closed_at is not None for case in cases]),
        no_touch=sum([case.no_touch for case in untouched]),
        self_healed=sum([case.self_healed for case in untouched]),
        flaps=sum([case.flap for case in cases]),
        expired=sum([case.incident.state == "expired" for case in cases]),
        tta_p50_s=percentile(noticed, 0.5),
        tta_p95_s=percentile(noticed, 0.95),
        ttr_p50_s=percentile(resolved, 0.5),
        ttr_p95_s=percentile(resolved, 0.95),
    )


@dataclass(frozen=True, slots=True)
class Noise:
    """Why an alert costs more than it gives, and the one thing to try first."""

    cause: Cause
    suggestion: str


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert of one service.

    names        different names counted under this one
    days         days of the window on which it opened
    still_open   of its opens
    beside       opened while another of the same alert was open: candidates for grouping
    share        part of all opens, 0 to 1
    helped       whether there is something to say when it fires: a runbook, a document, or triage
    latest       ts and root ts of the message that opened it last
    """

    alert: str | None
    service: str | None
    priority: Priority
    names: int
    days: int
    still_open: int
    beside: int
    share: float
    figures: Figures
    helped: bool = False
    noise: Noise | None = None
    latest: tuple[str, str] | None = None

    @property
    def title(self) -> str:
        return self.alert or self.service or "(no name)"

    @property
    def opens(self) -> int:
        return self.figures.opens


def named(case: Case) -> AlertName:
    """Service and template: what is counted as one alert."""
    return case.incident.service, template(case.incident.alert)


def by_alert(cases: Iterable[Case]) -> dict[AlertName, list[Case]]:
    found: dict[AlertName, list[Case]] = {}
    for case in cases:
        found.setdefault(named(case), []).append(case)
    return found


def alert_lines(cases: Sequence[Case], known: Mapping[AlertName, Help]) -> tuple[AlertLine, ...]:
    """One line for each alert and service, most opens first. `known` by exact service and name."""
    lines = (_line(name, rows, len(cases), known) for name, rows in by_alert(cases).items())
    return tuple(
        sorted(
            lines,
            key=lambda line: (-line.opens, -line.figures.renotifications, line.title, line.service or ""),
        )
    )


def _line(name: AlertName, cases: Sequence[Case], of: int, known: Mapping[AlertName, Help]) -> AlertLine:
    exact = Counter((case.incident.service, case.incident.alert) for case in cases)
    found = figures(cases)
    line = AlertLine(
        alert=cases[0].incident.alert if len(exact) == 1 else name[1],
        service=name[0],
        priority="HIGH" if any(case.incident.priority == "HIGH" for case in cases) else "LOW",
        names=len(exact),
        days=len({case.opened_at.date() for case in cases}),
        still_open=sum(case.incident.state == "open" for case in cases),
        beside=beside(cases),
        share=found.opens / of,
        figures=found,
        helped=any(known.get(one) for one in exact),
        latest=(cases[-1].ts, cases[-1].threads[0]),
    )
    causes = _causes(line, [case.ttr_s for case in cases if case.self_healed and case.ttr_s is not None])
    noise = next(causes, None)
    return line if noise is None else replace(line, noise=noise)


def beside(cases: Sequence[Case]) -> int:
    """How many of one alert's incidents opened while another one of it was open. `cases`: oldest first."""
    count, open_until = 0, None
    for case in cases:
        if open_until is not None and case.opened_at < open_until:
            count += 1
        end = case.incident.closed_at or case.incident.last_at
        open_until = end if open_until is None else max(open_until, end)
    return count


def _causes(line: AlertLine, healed: Sequence[float]) -> Iterator[Noise]:
    """What is wrong with an alert, first things first. `healed`: seconds after which it healed itself."""
    found, n = line.figures, line.opens
    if found.renotifications >= max(MANY_REPEATS, FEW * n):
        yield Noise("duplicates", f"Repeat it less often: {found.renotifications} repeats of {n} opens.")
    if n < FEW:
        return
    if found.flaps >= FEW and 3 * found.flaps >= n:
        yield Noise(
            "flaps",
            "Give it hysteresis (a lower threshold to resolve), or a longer `for:`: "
            f"{found.flaps} of {n} came back within the hour.",
        )
    if 2 * found.self_healed >= n:
        minutes = math.ceil(max(60.0, percentile(healed, 0.95) or 0.0) / 60)
        yield Noise(
            "self-heals",
            f"Set `for: {minutes}m`: {found.self_healed} of {n} were over by themselves within 5 minutes.",
        )
    if 2 * found.expired >= n:
        yield Noise(
            "never resolved",
            f"Have the tool send resolves, or delete it: {found.expired} of {n} just fell silent.",
        )
    if 5 * found.untouched >= 4 * n:
        high = "Lower its severity" if line.priority == "HIGH" else "Delete it"
        yield Noise("never touched", f"{high}: nobody reacted to {found.untouched} of {n}.")
    if line.beside >= FEW and 3 * line.beside >= n:
        yield Noise(
            "duplicates",
            "Group it (`group_by: [alertname, service]`): "
            f"{line.beside} of {n} opened while another one was open.",
        )
    if (found.ttr_p50_s or 0.0) > LONG_S:
        yield Noise(
            "long-running",
            f"Fix the cause, or make it a ticket: half of them stay open over {duration(found.ttr_p50_s)}.",
        )
    if not line.helped:
        yield Noise("no runbook", f"Write a runbook: it fired {n} times, and nothing is known about it.")


def noisy(lines: Iterable[AlertLine]) -> tuple[AlertLine, ...]:
    """Those with a cause; first those that interrupted most for nothing."""
    found = (line for line in lines if line.noise is not None)
    return tuple(sorted(found, key=_worth))


def _worth(line: AlertLine) -> tuple[bool, int, int, str]:
    wanted = line.noise is not None and line.noise.cause == "no runbook"
    return wanted, -line.figures.untouched - line.figures.flaps, -line.opens, line.title


def frequent(lines: Iterable[AlertLine], since: datetime, until: datetime) -> tuple[AlertLine, ...]:
    """Those that opened once a day or more on average, and at least three times; most opens first."""
    days = max((until - since).total_seconds() / 86_400, 1.0)
    return tuple(line for line in lines if line.opens >= max(FEW, PER_DAY * days))


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """`service` None: what names none."""

    service: str | None
    opens: int


def service_lines(cases: Iterable[Case]) -> tuple[ServiceLine, ...]:
    """Opens by service, most first."""
    counts = Counter(case.incident.service for case in cases)
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0] or ""))
    return tuple(ServiceLine(service, opens) for service, opens in ordered)
