"""A channel's money for a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from ratchet.domain.errors import Refused
from ratchet.llm.budget import Usage
from ratchet.llm.spending import USED_UP, CappedModel
from ratchet.llm.turn import JsonResult, JsonTurn, Pending, Resumed, Turn, TurnResult

T = TypeVar("T")
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@dataclass
class Plan:
    """A plan."""


@dataclass
class Inner:
    model: str = "scripted"
    asked: list[str | None] = field(default_factory=list)

    async def run_turn(self, turn: Turn) -> TurnResult:
        self.asked.append(turn.channel_id)
        return TurnResult("Yes.", self.model, Usage())

    async def run_json(self, turn: JsonTurn[T]) -> JsonResult[T]:
        self.asked.append(turn.channel_id)
        return JsonResult(turn.answer(), self.model, Usage())


@dataclass
class Book:
    """What a channel cost, by when."""

    costs: dict[str, list[tuple[datetime, float]]]

    async def spent(self, channel_id: str, since: datetime) -> float:
        return sum(cost for at, cost in self.costs.get(channel_id, []) if at >= since)


BOOK = Book({"C1": [(NOW - timedelta(hours=1), 0.4), (NOW - timedelta(hours=23), 0.6)], "C2": [(NOW, 0.9)]})


def capped(now: datetime = NOW) -> tuple[CappedModel, Inner]:
    inner = Inner()
    return CappedModel(inner, BOOK, 1.0, lambda: now), inner


def turn(channel_id: str | None, resumed: Resumed | None = None) -> Turn:
    return Turn("Answer.", "Why?", channel_id=channel_id, resumed=resumed)


async def test_when_the_money_is_used_up_the_model_is_not_asked() -> None:
    model, inner = capped()
    with pytest.raises(Refused, match="RATCHET_CHANNEL_COST_USD_PER_DAY") as caught:
        await model.run_turn(turn("C1"))
    assert caught.value.code == USED_UP
    with pytest.raises(Refused):
        await model.run_json(JsonTurn("Plan.", "It burns.", Plan, channel_id="C1"))
    assert inner.asked == []


async def test_another_channel_and_nobodys_turn_are_not_held_up() -> None:
    model, inner = capped()
    await model.run_turn(turn("C2"))
    await model.run_turn(turn(None))
    await model.run_json(JsonTurn("Plan.", "It burns.", Plan))
    assert inner.asked == ["C2", None, None]


async def test_after_24_hours_it_goes_on() -> None:
    model, _ = capped(NOW + timedelta(hours=1, minutes=1))
    assert (await model.run_turn(turn("C1"))).text == "Yes."


async def test_what_a_person_agreed_to_is_not_left_half_done() -> None:
    model, inner = capped()
    await model.run_turn(turn("C1", Resumed(Pending((), "[]"), approved=True)))
    assert inner.asked == ["C1"]
