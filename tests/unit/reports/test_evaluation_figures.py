"""Figures over the cases of an evaluation, and what became of them since an earlier one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from ratchet.reports.evaluation import Answer, Measures, Spent
from ratchet.reports.evaluation_figures import (
    CaseResult,
    Figure,
    Result,
    as_json,
    change,
    compare,
    difference,
    figures,
    shown,
)

MEASURES: dict[str, Any] = {
    "citations": None, "commands": None, "speaks": None, "repeats": None, "cites": True, "abstains": False, "length": 10,
}  # fmt: skip


def case(name: str = "a", seconds: float = 1.0, judged: float | None = None, **measures: Any) -> CaseResult:
    answer = Answer("Look.", model="small", spent=Spent(2, 100, 0.5, seconds))
    return CaseResult(name, answer, Measures(**(MEASURES | measures)), judged=judged)


def failed(name: str) -> CaseResult:
    return CaseResult(name, error="Transient: the model is away")


def result(*cases: CaseResult) -> Result:
    return Result("set.yaml", "small", "abc", "2026-11-23T00:00:00+00:00", cases=list(cases))


def by_name(*cases: CaseResult) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures(result(*cases))}


def test_shares_rest_on_the_cases_that_have_them() -> None:
    found = by_name(case("a", citations=1.0, speaks=True), case("b", citations=0.5), case("c", cites=False))
    assert (found["citations"].value, found["citations"].of) == (0.75, 2)
    assert (found["speaks"].value, found["speaks"].of) == (1.0, 1)
    assert (found["commands"].value, found["commands"].of) == (None, 0)
    assert found["cites"].value == pytest.approx(2 / 3)


def test_a_failed_case_is_counted_and_counts_for_nothing_else() -> None:
    found = by_name(case("a", citations=1.0), failed("b"))
    assert (found["errors"].value, found["errors"].of) == (1, 2)
    assert (found["citations"].value, found["cites"].of) == (1.0, 1)


def test_time_and_money_are_those_of_the_answers() -> None:
    found = by_name(*(case(str(n), seconds=float(n)) for n in range(1, 21)))
    assert (found["seconds_p50"].value, found["seconds_p95"].value) == (10.5, 19.0)
    assert (found["tokens"].value, found["cost_usd"].value) == (100.0, 10.0)


def test_without_a_case_every_figure_is_a_dash() -> None:
    assert {shown(figure) for name, figure in by_name().items() if name != "errors"} == {"–"}


@pytest.mark.parametrize(
    ("now", "before", "what"),
    [
        (case(citations=1.0), case(citations=0.5), "better"),
        (case(commands=0.0), case(commands=0.5), "worse"),
        (case(citations=1.0, commands=0.0), case(citations=0.0, commands=1.0), "mixed"),
        (case(repeats=True), case(repeats=False), "worse"),
        (case(judged=1.0), case(judged=0.5), "better"),
        (case(length=900), case(length=10), "same"),
        (case(citations=1.0), case(), "same"),
        (failed("a"), case(), "worse"),
        (case(), failed("a"), "better"),
        (failed("a"), failed("a"), "same"),
    ],
)
def test_a_case_changes_by_what_says_how_good_its_answer_is(
    now: CaseResult, before: CaseResult, what: str
) -> None:
    assert change(now, before) == what


def test_only_the_cases_that_both_hold_are_compared() -> None:
    now = result(case("a", citations=1.0), case("b", citations=1.0), case("new", citations=0.0))
    before = result(case("b", citations=0.5), case("a", citations=1.0), case("old", citations=0.0))
    compared = compare(now, before)
    assert (compared.common, compared.only_now, compared.only_before) == (2, 1, 1)
    assert compared.changes == {"b": "better"}
    assert [compared.now[0].value, compared.before[0].value] == [1.0, 0.75]


def test_a_result_is_read_again_as_it_was_written() -> None:
    written = result(case("a", citations=0.5), failed("b"))
    text = as_json(written, compare(written, written))
    assert TypeAdapter(Result).validate_json(text) == written
    assert json.loads(text)["figures"]["citations"] == 0.5


def test_figures_read_as_people_write_them() -> None:
    share, seconds = Figure("x", "", 0.826, 5), Figure("y", "", 2.44, 5, "seconds")
    assert [shown(share), shown(seconds)] == ["83 %", "2.4"]
    assert shown(Figure("z", "", 1204.0, 5, "count")) == "1,204"
    assert shown(Figure("c", "", 0.0123, 5, "usd")) == "$0.0123"
    assert difference(share, Figure("x", "", 0.9, 5)) == "-7"
    assert difference(share, Figure("x", "", 0.8262, 5)) == ""
    assert difference(share, Figure("x", "", None, 0)) == ""
