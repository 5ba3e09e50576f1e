"""When many alerts fire at once, one summary helps more than many replies. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

SHOWN: Final = 8


class OpenLike(Protocol):
    """An opening message in a channel."""

    @property
    def ts(self) -> str: ...
    @property
    def alert(self) -> str | None: ...
    @property
    def service(self) -> str | None: ...
    @property
    def happened_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class StormLimits:
    """More than `alerts` openings within `within` are a storm; it lasts until none came for as long."""

    alerts: int = 10
    within: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Storm:
    """The openings of a storm so far, oldest first. `breaks` at the one by which it became a storm."""

    opens: Sequence[OpenLike]
    breaks: OpenLike

    @property
    def start(self) -> OpenLike:
        return self.opens[0]


def storm_at(opens: Sequence[OpenLike], limits: StormLimits) -> Storm | None:
    """The storm in which the last of `opens` (oldest first) stands; None when it stands in none."""
    run = _unbroken(opens, limits.within)
    for number in range(limits.alerts, len(run)):
        if run[number].happened_at - run[number - limits.alerts].happened_at <= limits.within:
            return Storm(run, run[number])
    return None


def _unbroken(opens: Sequence[OpenLike], within: timedelta) -> Sequence[OpenLike]:
    """The openings at the end between which there is no longer pause."""
    start = len(opens)
    while start > 0 and (
        start == len(opens) or opens[start].happened_at - opens[start - 1].happened_at <= within
    ):
        start -= 1
    return opens[start:]


def summary(storm: Storm, link: str) -> str:
    """One message for the channel, as Markdown."""
    counts = Counter((one.alert or "unnamed", one.service) for one in storm.opens)
    services = sorted({one.service for one in storm.opens if one.service})
    minutes = max(1, round((storm.opens[-1].happened_at - storm.start.happened_at).total_seconds() / 60))
    lines = [
        f"**{len(storm.opens)} alerts in {minutes} min**: this looks like one incident, so I hold back my"
        f" replies until it calms down. It began with [{storm.start.alert or 'this alert'}]({link}).",
        "",
    ]
    for (alert, service), count in counts.most_common(SHOWN):
        lines.append(f"- {alert}{f' on {service}' if service else ''}{f' × {count}' if count > 1 else ''}")
    if len(counts) > SHOWN:
        lines.append(f"- … and {len(counts) - SHOWN} more")
    if services:
        lines += ["", f"Services: {', '.join(services)}"]
    return "\n".join(lines)
