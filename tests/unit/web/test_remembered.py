"""What is kept for pages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from ratchet.web.remembered import Remembered


@dataclass
class Kitchen:
    """Makes numbers, one after the other; `may` lets it."""

    now: float = 0.0
    made: int = 0
    may: asyncio.Event = field(default_factory=asyncio.Event)

    def remembered(self, **more: float) -> Remembered[int]:
        self.may.set()
        return Remembered(60.0, clock=lambda: self.now, **more)  # type: ignore[arg-type]  # seconds

    async def make(self) -> int:
        await self.may.wait()
        self.made += 1
        return self.made

    async def fail(self) -> int:
        raise RuntimeError("no flour")


async def test_a_value_is_made_once_for_all_who_ask_and_kept() -> None:
    kitchen = Kitchen()
    kept = kitchen.remembered()
    assert await asyncio.gather(*(kept.get("a", kitchen.make) for _ in range(5))) == [1] * 5
    kitchen.now = 59.0
    assert await kept.get("a", kitchen.make) == 1
    kitchen.now = 60.0
    assert await kept.get("a", kitchen.make) == 2


async def test_an_old_value_is_given_at_once_while_a_new_one_is_made() -> None:
    kitchen = Kitchen()
    kept = kitchen.remembered(stale_s=600.0)
    assert await kept.get("a", kitchen.make) == 1
    kitchen.now = 61.0
    kitchen.may.clear()  # whoever waited for a new one would wait for ever
    assert [await kept.get("a", kitchen.make) for _ in range(3)] == [1, 1, 1]
    kitchen.may.set()
    await kept.renew()
    assert (await kept.get("a", kitchen.make), kitchen.made) == (2, 2)


async def test_a_very_old_value_is_not_given() -> None:
    kitchen = Kitchen()
    kept = kitchen.remembered(stale_s=600.0)
    await kept.get("a", kitchen.make)
    kitchen.now = 601.0
    assert await kept.get("a", kitchen.make) == 2


async def test_what_fails_behind_the_page_leaves_the_old_value_and_is_tried_again() -> None:
    kitchen = Kitchen()
    kept = kitchen.remembered(stale_s=600.0)
    await kept.get("a", kitchen.make)
    kitchen.now = 61.0
    assert await kept.get("a", kitchen.fail) == 1
    await kept.renew()
    assert await kept.get("a", kitchen.make) == 1
    await kept.renew()
    assert await kept.get("a", kitchen.make) == 2
    kitchen.now = 700.0
    with pytest.raises(RuntimeError, match="no flour"):
        await kept.get("a", kitchen.fail)


async def test_the_oldest_make_room() -> None:
    kitchen = Kitchen()
    kept = kitchen.remembered(size=2)
    for key in "abca":
        await kept.get(key, kitchen.make)
    assert kitchen.made == 4
