"""The results of an evaluation: figures over its cases, and beside those of an earlier one. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from statistics import fmean, median
from typing import Any, Final, Literal

from ratchet.reports.evaluation import Answer, Measures

FORMAT: Final = 1
# What tells whether a case got better, and what its larger value means.
JUDGED: Final[Mapping[str, int]] = {"citations": 1, "commands": 1, "speaks": 1, "repeats": -1, "judged": 1}
MARGIN: Final = 1e-9
Unit = Literal["share", "count", "seconds", "usd"]
Change = Literal["better", "worse", "mixed", "same"]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case run again: `answer` and `measures`, or `error` in their stead. `judged`: 0 to 1, and why."""

    name: str
    answer: Answer | None = None
    measures: Measures | None = None
    error: str | None = None
    judged: float | None = None
    reason: str | None = None
    question: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """An evaluation. `model` is None without one; `at` is ISO 8601 in UTC."""

    file: str
    model: str | None
    prompt_hash: str
    at: str
    judge: str | None = None
    cases: list[CaseResult] = field(default_factory=list)
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is None where there is nothing to count; `of` is the number of cases it rests on."""

    name: str
    title: str
    value: float | None
    of: int
    unit: Unit = "share"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two evaluations over the cases that both hold. `changes` names the cases that are not the same."""

    now: Sequence[Figure]
    before: Sequence[Figure]
    changes: Mapping[str, Change]
    common: int
    only_now: int
    only_before: int


def figures(result: Result) -> list[Figure]:
    """In the order in which they are read."""
    done = [case for case in result.cases if case.answer is not None and case.measures is not None]
    measures = [case.measures for case in done if case.measures is not None]
    answers = [case.answer for case in done if case.answer is not None]
    by_model = [answer.model is not None for answer in answers]
    return [
        _mean("citations", "cited messages of good answers", (m.citations for m in measures)),
        _mean("commands", "commands of good answers", (m.commands for m in measures)),
        _mean("judged", "as good, says the judge", (case.judged for case in done)),
        _mean("speaks", "knows when not to know", (m.speaks for m in measures)),
        _mean("repeats", "bad answers given again", (m.repeats for m in measures)),
        _mean("cites", "cites any message", (m.cites for m in measures)),
        _mean("abstains", "says it does not know", (m.abstains for m in measures)),
        _mean("by_model", "answered by the model", by_model),
        Figure("errors", "failed", len(result.cases) - len(done), len(result.cases), "count"),
        _middle("length", "characters, median", [m.length for m in measures], "count"),
        *_spent(answers),
    ]


def _spent(answers: Sequence[Answer]) -> list[Figure]:
    spent = [answer.spent for answer in answers if answer.spent is not None]
    seconds = sorted(s.seconds for s in spent)
    costs = [s.cost_usd for s in spent if s.cost_usd is not None]
    return [
        _middle("seconds_p50", "seconds, median", seconds, "seconds"),
        Figure(
            "seconds_p95", "seconds, 95th percentile", _percentile(seconds, 0.95), len(seconds), "seconds"
        ),
        _middle("tokens", "tokens, median", [s.tokens for s in spent], "count"),
        Figure("cost_usd", "cost in all", sum(costs) if costs else None, len(costs), "usd"),
    ]


def _mean(name: str, title: str, values: Iterable[float | None]) -> Figure:
    known = [float(value) for value in values if value is not None]
    return Figure(name, title, fmean(known) if known else None, len(known))


def _middle(name: str, title: str, values: Sequence[float], unit: Unit) -> Figure:
    return Figure(name, title, float(median(values)) if values else None, len(values), unit)


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[ceil(share * len(ordered)) - 1] if ordered else None


def compare(now: Result, before: Result) -> Comparison:
    earlier = {case.name: case for case in before.cases}
    mine = [case for case in now.cases if case.name in earlier]
    theirs = [earlier[case.name] for case in mine]
    changes = {case.name: change(case, earlier[case.name]) for case in mine}
    return Comparison(
        now=figures(replace(now, cases=mine)),
        before=figures(replace(before, cases=theirs)),
        changes={name: what for name, what in changes.items() if what != "same"},
        common=len(mine),
        only_now=len(now.cases) - len(mine),
        only_before=len(before.cases) - len(mine),
    )


def change(now: CaseResult, before: CaseResult) -> Change:
    """What became of a case, by what says how good its answer is."""
    if now.error or before.error:
        return "same" if now.error and before.error else "worse" if now.error else "better"
    values, earlier = judged(now), judged(before)
    steps = [
        sign * (values[name] - earlier[name])
        for name, sign in JUDGED.items()
        if name in values and name in earlier
    ]
    up, down = any(step > MARGIN for step in steps), any(step < -MARGIN for step in steps)
    return "mixed" if up and down else "better" if up else "worse" if down else "same"


def judged(case: CaseResult) -> dict[str, float]:
    """The values of a case that say how good its answer is."""
    values: dict[str, Any] = asdict(case.measures) if case.measures is not None else {}
    values["judged"] = case.judged
    return {name: float(values[name]) for name in JUDGED if values.get(name) is not None}


def shown(figure: Figure) -> str:
    """`83 %`, `1,204`, `2.4`, `$0.0123`; a dash for nothing."""
    if figure.value is None:
        return "–"
    match figure.unit:
        case "share":
            return f"{figure.value:.0%}".replace("%", " %")
        case "seconds":
            return f"{figure.value:.1f}"
        case "usd":
            return f"${figure.value:.4f}"
        case _:
            return f"{figure.value:,.0f}"


def difference(now: Figure, before: Figure) -> str:
    """`+5`, in percentage points for shares; "" where it cannot be told or there is none."""
    if now.value is None or before.value is None:
        return ""
    step = now.value - before.value
    text = f"{step * 100:+.0f}" if now.unit == "share" else f"{step:+,.{_DIGITS[now.unit]}f}"
    return "" if float(text.replace(",", "")) == 0 else text


_DIGITS: Final[Mapping[Unit, int]] = {"share": 0, "count": 0, "seconds": 1, "usd": 4}


def as_json(result: Result, compared: Comparison | None = None) -> str:
    """The result with its figures; `ratchet eval --baseline` reads it again."""
    values = asdict(result) | {"figures": _values(figures(result))}
    if compared is not None:
        values["compared"] = {
            "common": compared.common,
            "only_now": compared.only_now,
            "only_before": compared.only_before,
            "now": _values(compared.now),
            "before": _values(compared.before),
            "changes": dict(compared.changes),
        }
    return json.dumps(values, indent=2, ensure_ascii=False)


def _values(rows: Sequence[Figure]) -> dict[str, float | None]:
    return {row.name: None if row.value is None else round(row.value, 6) for row in rows}
