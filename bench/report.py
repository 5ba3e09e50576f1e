"""What a bench found: a table for people, JSON for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.machine import load, machine

OUT: Final = Path(__file__).parent / "out"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `ok` is None where no target is set."""

    what: str
    value: float
    unit: str
    target: str = ""
    ok: bool | None = None


Cells = tuple[str | int | float, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of its own."""

    columns: Sequence[str]
    lines: Sequence[Cells]


@dataclass(slots=True)
class Report:
    """The figures of one bench. `raw` goes to the JSON only."""

    name: str
    title: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    grids: list[Grid] = field(default_factory=list)
    load_before: tuple[float, float, float] = field(default_factory=load)

    def add(self, what: str, value: float, unit: str) -> None:
        self.rows.append(Row(what, value, unit))

    def below(self, what: str, value: float, unit: str, limit: float) -> None:
        """A figure that should stay below `limit`."""
        self.rows.append(Row(what, value, unit, f"< {number(limit)}", value < limit))

    def above(self, what: str, value: float, unit: str, limit: float) -> None:
        """A figure that should exceed `limit`."""
        self.rows.append(Row(what, value, unit, f"> {number(limit)}", value > limit))

    def grid(self, columns: Sequence[str], lines: Sequence[Cells]) -> None:
        """A table below the figures; its first column has words."""
        self.grids.append(Grid(columns, lines))

    def note(self, text: str) -> None:
        self.notes.append(text)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed; NaN of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    if not math.isfinite(value):
        return "–"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"


def show(report: Report, console: Console, *, quick: bool) -> None:
    """Print the table and write `out/NAME.json`."""
    before, after = report.load_before[0], load()[0]
    table = Table(
        title=f"{report.name}: {report.title}", title_justify="left", caption_justify="left", min_width=72
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("target", justify="right")
    table.add_column("")
    for row in report.rows:
        mark = {None: "", True: "[green]held[/]", False: "[red]missed[/]"}[row.ok]
        table.add_row(row.what, number(row.value), row.unit, row.target, mark)
    console.print(table)
    for grid in report.grids:
        console.print(_drawn(grid))
    for note in report.notes:
        console.print(f"  · {note}", highlight=False)
    console.print(f"  {machine()}; load {before:.1f} before, {after:.1f} after\n", highlight=False)
    OUT.mkdir(exist_ok=True)
    (OUT / f"{report.name}.json").write_text(_json(report, (before, after), quick=quick), "utf-8")


def _drawn(grid: Grid) -> Table:
    table = Table(min_width=72)
    for place, column in enumerate(grid.columns):
        table.add_column(column, justify="right" if place else "left")
    for line in grid.lines:
        table.add_row(*(cell if isinstance(cell, str) else number(cell) for cell in line))
    return table


def _json(report: Report, loads: tuple[float, float], *, quick: bool) -> str:
    found = {
        "bench": report.name,
        "title": report.title,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": asdict(machine()),
        "load": {"before": loads[0], "after": loads[1]},
        "rows": [asdict(row) for row in report.rows],
        "grids": [asdict(grid) for grid in report.grids],
        "notes": report.notes,
        "raw": report.raw,
    }
    return json.dumps(_finite(found), indent=1) + "\n"


def _finite(value: Any) -> Any:
    """JSON knows no NaN."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case _:
            return value
