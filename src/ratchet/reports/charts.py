"""Charts of a channel report: alerts per day by service, and the noisiest alerts by cause.

matplotlib takes half a second to import: it is imported by the first chart, never at the start. The same
report gives the same bytes.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal

from ratchet.reports.channel import ChannelReport
from ratchet.reports.channel_alerts import AlertLine
from ratchet.reports.channel_times import DayOpens

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import PathPatch
    from matplotlib.ticker import Locator

Format = Literal["png", "svg"]

# Told apart also by those who see few colours; after Okabe and Ito.
COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
OTHER: Final = "#9aa3ad"
INK: Final = "#26323f"
SHOWN_SERVICES: Final = 5
SHOWN_NOISE: Final = 8
LEAST_ROWS: Final = 5
MAX_LABEL: Final = 34
SIZE: Final = (11.0, 4.2)
DPI: Final = 130
MARGINS: Final = {"left": 0.042, "right": 0.998, "top": 0.97}
# So many letters of names stand in one line under a chart as wide as a page; else in two.
ONE_LINE: Final = 110
_STYLE: Final[Any] = {  # the names are typed in matplotlib, which is not imported yet
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#c5ccd3",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "ratchet",
}


def channel_chart(report: ChannelReport, title: str, form: Format = "png") -> bytes:
    """Both charts side by side. Without any open the picture says so."""
    from matplotlib import rc_context  # noqa: PLC0415  # slow, see above
    from matplotlib.figure import Figure  # noqa: PLC0415  # slow, see above

    with rc_context(_STYLE):
        figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
        figure.suptitle(_plain(title), x=0.01, ha="left", fontsize=12, fontweight="bold")
        left, right = figure.subplots(1, 2, width_ratios=(5, 4))
        left.set_title("Alerts per day", loc="left", fontsize=10)
        _days(left, _window(report), report.daily)
        _noise(right, report.noise)
        return _written(figure, form)


def days_chart(report: ChannelReport, form: Format = "svg") -> bytes:
    """Alerts per day by service, alone."""
    return daily_chart(_window(report), report.daily, form)


def daily_chart(days: Sequence[date], daily: Sequence[DayOpens], form: Format = "svg") -> bytes:
    """The same of any days, in order, and what opened on them; without a title, for under a heading."""
    from matplotlib import rc_context  # noqa: PLC0415  # slow, see above
    from matplotlib.figure import Figure  # noqa: PLC0415  # slow, see above

    with rc_context(_STYLE):
        figure = Figure(figsize=(10.5, 2.7), dpi=DPI)
        # Fixed: to find out how much room the labels take, matplotlib would draw everything three times.
        one_line = sum(len(_label(name)) for name in _services(daily)) <= ONE_LINE
        figure.subplots_adjust(**MARGINS, bottom=0.2 if one_line else 0.26)
        _days(figure.subplots(), days, daily, columns=SHOWN_SERVICES + 1 if one_line else 3)
        return _written(figure, form)


def _written(figure: Figure, form: Format) -> bytes:
    out = io.BytesIO()
    # No date and no version in the file: the same report is the same file.
    figure.savefig(out, format=form, metadata={"Software": None} if form == "png" else {"Date": None})
    return out.getvalue()


def _days(axes: Axes, days: Sequence[date], daily: Sequence[DayOpens], columns: int = 3) -> None:
    names = _services(daily)
    base = [0] * len(days)
    for number, (name, opens) in enumerate(names.items()):
        heights = [opens.get(day, 0) for day in days]
        colour = OTHER if name in ("other", "no service") else COLOURS[number % len(COLOURS)]
        axes.add_patch(_bars(base, heights, label=_label(name), color=colour))
        base = [low + high for low, high in zip(base, heights, strict=True)]
    step = -(-len(days) // 7)
    axes.set_xticks(range(0, len(days), step), [f"{day.day} {day:%b}" for day in days[::step]])
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.yaxis.set_major_locator(_whole())
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y", color="#e6eaee", linewidth=0.8)
    axes.set_axisbelow(True)
    if names:
        axes.legend(frameon=False, fontsize=8, ncols=columns, loc="upper left", bbox_to_anchor=(-0.01, -0.09))
        axes.set_ylim(0, max(base) * 1.08)
    else:
        _nothing(axes, "no alert fired")


def _bars(base: Sequence[int], heights: Sequence[int], **style: str) -> PathPatch:
    """All bars of one colour as one shape, which is drawn in a fraction of the time of each by itself."""
    from matplotlib.patches import PathPatch  # noqa: PLC0415  # slow, see above
    from matplotlib.path import Path  # noqa: PLC0415  # slow, see above

    shapes = [
        [(at - 0.4, low), (at - 0.4, low + high), (at + 0.4, low + high), (at + 0.4, low)]
        for at, (low, high) in enumerate(zip(base, heights, strict=True))
        if high
    ]
    corners = [corner for shape in shapes for corner in [*shape, shape[0]]]
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * len(shapes)
    return PathPatch(Path(corners, codes), linewidth=0, **style)


def _noise(axes: Axes, noisy: Sequence[AlertLine]) -> None:
    axes.set_title("Noise: opens by alert and its first cause", loc="left", fontsize=10)
    shown = list(reversed(noisy[:SHOWN_NOISE]))
    if not shown:
        _nothing(axes, "nothing stands out")
        return
    causes = list(dict.fromkeys(line.noise.cause for line in noisy if line.noise))
    for cause in causes:
        rows = [
            (number, line.opens)
            for number, line in enumerate(shown)
            if line.noise and line.noise.cause == cause
        ]
        colour = COLOURS[causes.index(cause) % len(COLOURS)]
        axes.barh(
            [at for at, _ in rows], [opens for _, opens in rows], height=0.62, label=cause, color=colour
        )
    axes.set_yticks(range(len(shown)), [_label(line.title) for line in shown])
    # One bar alone is no wall.
    axes.set_ylim(len(shown) - max(LEAST_ROWS, len(shown)) - 0.5, len(shown) - 0.5)
    axes.xaxis.set_major_locator(_whole())
    axes.grid(axis="x", color="#e6eaee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper left", bbox_to_anchor=(0, -0.08))


def _whole() -> Locator:
    """Marks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415  # slow, see above

    return MaxNLocator(nbins="auto", integer=True, min_n_ticks=1)


def _nothing(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, ha="center", va="center", transform=axes.transAxes, color="#6b7783")
    axes.set_xticks([])
    axes.set_yticks([])


def _window(report: ChannelReport) -> list[date]:
    return [day for day, _ in report.hours.by_day]


def _services(daily: Sequence[DayOpens]) -> dict[str, dict[date, int]]:
    """Opens by day of the services with most of them, then of all others together."""
    totals: Counter[str] = Counter()
    for one in daily:
        totals[one.service or "no service"] += one.opens
    shown = [name for name, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))]
    kept = set(shown[: SHOWN_SERVICES if len(shown) > SHOWN_SERVICES + 1 else SHOWN_SERVICES + 1])
    found: dict[str, dict[date, int]] = {name: {} for name in [*filter(kept.__contains__, shown), "other"]}
    for one in daily:
        name = one.service or "no service"
        by_day = found[name if name in kept else "other"]
        by_day[one.day] = by_day.get(one.day, 0) + one.opens
    return {name: by_day for name, by_day in found.items() if by_day}


def _label(name: str) -> str:
    text = _plain(name)
    return text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"


def _plain(text: str) -> str:
    """matplotlib takes $ for the start of mathematics, and a leading _ for a label to hide."""
    return " ".join(text.replace("$", r"\$").split()).lstrip("_") or "–"
