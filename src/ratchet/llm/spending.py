"""A channel's money for language models: what is used up is not asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

from ratchet.domain.errors import Refused
from ratchet.llm.turn import JsonResult, JsonTurn, Model, Turn, TurnResult

T = TypeVar("T")

WINDOW: Final = timedelta(hours=24)
USED_UP: Final = "channel_budget"


class Spending(Protocol):
    async def spent(self, channel_id: str, since: datetime) -> float:
        """US dollars that turns for a channel cost since then."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class CappedModel:
    """Satisfies `Model`. `limit_usd` is what a channel may cost in 24 hours; turns for no channel are free.

    The last turn before the limit may cross it by its own cost.
    """

    inner: Model
    spending: Spending
    limit_usd: float
    clock: Callable[[], datetime] = _now

    @property
    def model(self) -> str:
        return self.inner.model

    async def run_turn(self, turn: Turn) -> TurnResult:
        """See `TurnRunner.run_turn`. `Refused` with the code `USED_UP` when the channel's money is."""
        # What a person agreed to is not left half done.
        if turn.resumed is None:
            await self._check(turn.channel_id)
        return await self.inner.run_turn(turn)

    async def run_json(self, turn: JsonTurn[T]) -> JsonResult[T]:
        """See `JsonRunner.run_json`; `Refused` as of `run_turn`."""
        await self._check(turn.channel_id)
        return await self.inner.run_json(turn)

    async def _check(self, channel_id: str | None) -> None:
        if channel_id is None:
            return
        if await self.spending.spent(channel_id, self.clock() - WINDOW) >= self.limit_usd:
            raise Refused(
                f"Language models cost the channel {channel_id} its {self.limit_usd:g} US dollars of the last"
                " 24 hours. RATCHET_CHANNEL_COST_USD_PER_DAY sets the limit.",
                code=USED_UP,
            )
