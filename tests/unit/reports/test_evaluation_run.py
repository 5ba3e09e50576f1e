"""A file of cases through pydantic-evals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ratchet.domain.errors import Refused
from ratchet.reports.evaluation import Answer, Asked, Case, Line, Origin, Spent, answer_of, as_dataset
from ratchet.reports.evaluation_run import evaluate, load

LINK = "https://team.slack.com/archives/C1/p1700000060000200"
GOOD = answer_of(f"Run `bucketctl prune --older 30d` ([Bo]({LINK}))")
BAD = answer_of("Delete everything.")


def case(key: str, expected: Answer | None = GOOD, bad: Answer | None = None) -> Case:
    line = Line("1700000000.000100", "bot", "Alertmanager", "[FIRING] BucketFull: yes\n- no: 1")
    asked = Asked("why?", "Ana", "C1", "ops", "public", line.ts, "1700009000.000500", [line])
    origin = Origin(
        key, "2023-11-15T00:00:00+00:00", "2023-11-15T00:00:05+00:00", 1, 0, "small", "abc", bad=bad
    )
    return Case(asked, expected, origin)


CASES = [case("good"), case("bad", None, BAD), case("busy"), case("unknown", None)]


def written(tmp_path: Path, name: str = "set.yaml") -> Path:
    file = tmp_path / name
    values = as_dataset(CASES)
    file.write_text(json.dumps(values) if name.endswith("json") else yaml.safe_dump(values), "utf-8")
    return file


async def answering(asked: Asked) -> Answer:
    return Answer(f"{GOOD.text} I am sure.", [LINK], "small", Spent(2, 90, None, 1.5))


@pytest.mark.parametrize("name", ["set.yaml", "set.yml", "set.json"])
def test_an_exported_set_is_read_by_pydantic_evals_as_it_was_written(tmp_path: Path, name: str) -> None:
    loaded = load(written(tmp_path, name))
    assert [Case(c.inputs, c.expected_output, c.metadata) for c in loaded.cases if c.metadata] == CASES
    assert [c.name for c in loaded.cases] == ["good", "bad", "busy", "unknown"]


async def test_every_case_is_asked_once_and_measured(tmp_path: Path) -> None:
    good, bad, _, unknown = await evaluate(load(written(tmp_path)), answering)
    assert good.measures is not None
    assert (good.measures.citations, good.measures.commands, good.measures.speaks) == (1.0, 1.0, True)
    assert good.answer is not None
    assert good.answer.spent == Spent(2, 90, None, 1.5)
    assert bad.measures is not None
    assert (bad.measures.repeats, bad.measures.citations) == (False, None)
    assert unknown.measures is not None
    assert unknown.measures.speaks is None


async def test_a_case_that_fails_says_why_and_stops_no_other(tmp_path: Path) -> None:
    async def sometimes(asked: Asked) -> Answer:
        asked_before.append(asked)
        if len(asked_before) == 3:
            raise Refused("it will not")
        return await answering(asked)

    asked_before: list[Asked] = []
    results = await evaluate(load(written(tmp_path)), sometimes)
    assert [result.error for result in results] == [None, None, "Refused: it will not", None]
    assert (results[2].answer, results[2].question) == (None, "why?")


async def test_a_judge_is_asked_where_there_is_a_good_answer(tmp_path: Path) -> None:
    async def judging(asked: Asked, answer: Answer, expected: Answer) -> tuple[float, str]:
        judged.append((answer.text, expected.text))
        if len(judged) == 2:
            raise Refused("the judge gave no verdict")
        return 0.5, "adds something"

    judged: list[tuple[str, str]] = []
    good, bad, busy, unknown = await evaluate(load(written(tmp_path)), answering, judging)
    assert judged == [(f"{GOOD.text} I am sure.", GOOD.text)] * 2
    assert (good.judged, good.reason) == (0.5, "adds something")
    assert (bad.judged, unknown.judged) == (None, None)
    assert busy.judged is None
    assert "the judge gave no verdict" in (busy.reason or "")
    assert busy.measures is not None


def test_a_limit_takes_the_first_cases(tmp_path: Path) -> None:
    assert [c.name for c in load(written(tmp_path), 2).cases] == ["good", "bad"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("set.yaml", ""),
        ("set.yaml", "a: [b"),
        ("set.yaml", "- just\n- a list"),
        ("set.yaml", "cases: [{inputs: {text: hunter2}}]"),
        ("set.yaml", "cases: [{inputs: 5}]\nevaluators: [Unknown]"),
        ("set.json", "{"),
        ("set.json", '{"cases": 5}'),
        ("set.csv", "a,b"),
    ],
)
def test_what_is_no_set_is_refused_with_its_name_and_without_its_content(
    tmp_path: Path, name: str, content: str
) -> None:
    file = tmp_path / name
    file.write_text(content, "utf-8")
    with pytest.raises(Refused, match="is no evaluation set") as refused:
        load(file)
    assert "hunter2" not in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml")
