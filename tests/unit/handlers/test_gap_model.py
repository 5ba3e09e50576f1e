"""Pages and contradictions by a model: what the messages bear out, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from ratchet.domain.errors import RatchetError, Refused
from ratchet.domain.gaps import Compared
from ratchet.handlers.gap_model import Contradiction, GapModel, PageAnswer, PageLine, PageSection
from ratchet.llm.budget import Usage
from ratchet.llm.turn import JsonResult, JsonTurn
from ratchet.reports.gaps import GapReport, gap_report
from tests.unit.reports.gap_support import KAFKA, near, rows, said, thread, ts

T = TypeVar("T")
FIRST = thread(
    said(0, "UANA", "How do I run Kafka locally?"), said(5, "UBO", "`make kafka-up` in `devstack`")
)
SECOND = thread(
    said(60, "UCY", "Is there a Kafka that I can run on my laptop?"),
    said(65, "UBO", "`make kafka-up`, and `make kafka-seed` for orders"),
)


@dataclass
class Scripted:
    """Answers each question of a kind with the same, and keeps the prompts."""

    answers: dict[type, Any] = field(default_factory=dict)
    error: RatchetError | None = None
    prompts: list[str] = field(default_factory=list)
    model: str = "scripted"

    async def run_json(self, turn: JsonTurn[T]) -> JsonResult[T]:
        self.prompts.append(turn.prompt)
        if self.error is not None:
            raise self.error
        return JsonResult(self.answers[turn.answer], self.model, Usage())


def report(compared: Compared | None = None) -> GapReport:
    return gap_report(rows(SECOND, FIRST), compared or Compared())


async def written(model: Scripted, found: GapReport | None = None) -> GapReport:
    return await GapModel(model).written(found or report(), "C1")


def page(*lines: PageLine) -> Scripted:
    return Scripted({PageAnswer: PageAnswer("Kafka on a laptop", [PageSection("Start it", list(lines))])})


async def test_a_page_keeps_what_its_cited_messages_say() -> None:
    model = page(
        PageLine("Run `make kafka-up`.", ["A2"]),
        PageLine("Run `make kafka-destroy`.", ["A2"]),
        PageLine("It is easy.", []),
        PageLine("See [here](https://evil.example) <!channel>", ["A1"]),
        PageLine("Orders: `make kafka-seed`.", ["A9", "A1"]),
    )
    [gap] = (await written(model)).again
    assert (gap.proposal.title, gap.proposal.by_model) == ("Kafka on a laptop", "scripted")
    [_, steps] = gap.proposal.outline
    assert [point.text for point in steps.points] == [
        "Run `make kafka-up`.",
        "See here channel",
        "Orders: `make kafka-seed`.",
    ]
    assert [point.message.ts for point in steps.points] == [ts(5), ts(65), ts(65)]
    assert "Q2:\n<data" in model.prompts[0]


async def test_without_a_line_that_is_borne_out_the_page_is_that_of_the_rules() -> None:
    before = report()
    assert await written(page(PageLine("Run `rm -rf /`.", ["A1"])), before) == before
    assert await written(Scripted(error=Refused("no")), before) == before


BESIDE = report(Compared(near=near(FIRST.replies[0], KAFKA, 0.6) | near(SECOND.replies[0], KAFKA, 0.6)))


async def test_a_contradiction_is_listed_with_both_passages_proven() -> None:
    says = Contradiction(True, "`make kafka-seed` for orders", "Start it with `make kafka-up`.")
    found = (await written(Scripted({Contradiction: says}), BESIDE)).stale
    assert next((hint.kind, hint.page, hint.message.ts) for hint in found) == ("contradicted", KAFKA, ts(65))


async def test_a_contradiction_that_neither_text_holds_is_not_believed() -> None:
    for says in (
        Contradiction(False, "`make kafka-seed` for orders", "Start it with `make kafka-up`."),
        Contradiction(True, "it is all wrong", "Start it with `make kafka-up`."),
        Contradiction(True, "`make kafka-seed` for orders", "Use the other one."),
        Contradiction(True, "", ""),
    ):
        assert (await written(Scripted({Contradiction: says}), BESIDE)).stale == ()
