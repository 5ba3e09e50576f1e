"""How old the figures of the pages may be."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.domain.messages import Channel
from ratchet.store import incidents, messages
from ratchet.store.channels import Channels
from ratchet.store.pool import Database
from ratchet.web.toil import Toil
from tests.integration.web.support import OPS, House, message, opening, services


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def fires(database: Database, second: int) -> None:
    await Channels(database).upsert(Channel(OPS, "ops"))
    alert = message(second, "DiskFull on db", kind="bot")
    async with database.transaction() as conn:
        await messages.upsert(conn, [(alert, b"")])
        await incidents.record(conn, [incidents.judged(alert, opening("db", f"DiskFull{second}"))])


async def test_the_report_of_a_channel_is_at_most_a_minute_old(database: Database) -> None:
    clock = Clock()
    toil = Toil(services(database, House()), clock)
    await fires(database, 0)
    assert (await toil.report(OPS)).total.opens == 1
    await fires(database, 60)
    clock.now = 59
    assert (await toil.report(OPS)).total.opens == 1
    clock.now = 61
    assert (await toil.report(OPS)).total.opens == 2


async def test_what_is_renewed_after_an_answer_is_made_of_new_figures(database: Database) -> None:
    clock = Clock()
    toil = Toil(services(database, House()), clock)
    await fires(database, 0)
    await toil.week()
    await fires(database, 60)
    clock.now = 50 * 60
    # Shown at once, with its own time, and made anew for who looks next.
    assert (await toil.week()).opens == 1
    assert (await toil.report(OPS)).total.opens == 2
    await toil.renew()
    assert (await toil.week()).opens == 2
