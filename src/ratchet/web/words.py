"""How pages say times, figures and addresses. Times are UTC, and pages say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from markupsafe import Markup

from ratchet.reports.channel_times import duration

ANY_SERVICE: Final = "*"


def moment(when: datetime | None) -> Markup:
    """`29 Nov 17:40`, exactly where it is pointed at."""
    if when is None:
        return Markup('<span class="soft">never</span>')
    exact = when.isoformat(timespec="seconds")
    said = f"{when.day} {when:%b %H:%M}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact, f"{when:%Y-%m-%d %H:%M:%S} UTC", said
    )


def alert_path(alert: str, service: str | None) -> str:
    """The page of an alert. Each part is one segment, whatever it holds."""
    return f"/alerts/{quote(service or ANY_SERVICE, safe='')}/{quote(alert, safe='')}"


def channel_path(name_or_id: str) -> str:
    return f"/channels/{quote(name_or_id, safe='')}"


def share(part: float) -> str:
    return f"{part:.0%}"


def count(number: float) -> str:
    return f"{number:,.0f}"


def dollars(amount: float) -> str:
    return f"${amount:,.2f}"


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def coded(text: str) -> Markup:
    """What stands between backticks as code; all else as text."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part
        for number, part in enumerate(text.split("`"))
    )


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "moment": moment,
    "lasted": duration,
    "alert_path": alert_path,
    "channel_path": channel_path,
    "share": share,
    "count": count,
    "dollars": dollars,
    "cut": cut,
    "coded": coded,
}
