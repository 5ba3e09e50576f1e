"""Alerts without names, names that differ in digits only, history in which nobody wrote a word."""

from __future__ import annotations

from datetime import UTC, datetime

from ratchet.handlers.evidence import Gather
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.dispatch import Dispatch
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.pool import Database
from tests.integration.pipeline.house import ME, House, Raw, alert_said, at, edited, said
from tests.integration.pipeline.pairing_story import NAMELESS

VIEW = "select alert, service, open_ts, close_ts, firings from incidents order by opened_at"
FIX = "fixed by `kubectl -n shop rollout restart deploy/checkout`"
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def nameless(ts: str, *, firing: bool = True, thread_ts: str | None = None) -> Raw:
    return alert_said(ts, thread_ts=thread_ts) | {"text": "DOWN" if firing else "UP", "attachments": []}


async def heard(house: House, *raws: Raw) -> None:
    dispatch = Dispatch(house.db, house.queue, house.classifier, [], ME.user_id)
    for raw in raws:
        await house.hear(raw)
        await house.work_off(dispatch.run_message, "message")


def gathered(house: House) -> Gather:
    return Gather(Incidents(house.db), Messages(house.db))


async def test_alerts_without_name_and_service_are_each_an_incident_and_only_their_thread_resolves_them(
    database: Database,
) -> None:
    house = House(database, BuiltIn(NAMELESS))
    changed = nameless(at(20))
    await heard(
        house,
        nameless(at(0)),
        nameless(at(10)),
        changed,
        nameless(at(30), firing=False),  # of which one, nobody knows
        nameless(at(40), firing=False, thread_ts=at(10)),
        edited(changed, at(50), text="UP"),
    )
    assert await house.rows(VIEW) == [
        (None, None, at(0), None, 1),
        (None, None, at(10), at(40), 1),
        (None, None, at(20), at(20), 1),
    ]
    incidents = Incidents(database)
    assert await incidents.services(9) == []
    assert await incidents.alerts(None, None, 9) == []
    assert len(await incidents.opens("C1", datetime(2000, 1, 1, tzinfo=UTC), LATER)) == 3


async def test_alerts_that_differ_in_digits_only_share_neither_incidents_nor_what_helped(
    house: House,
) -> None:
    await heard(
        house,
        alert_said(at(0), "NodeDown1"),
        said(at(10), FIX, thread_ts=at(0)),
        alert_said(at(20), "NodeDown2"),
        alert_said(at(30), "NodeDown2", firing=False),
        alert_said(at(40), "NodeDown12"),
    )
    assert [(row[0], row[3]) for row in await house.rows(VIEW)] == [
        ("NodeDown1", None),
        ("NodeDown2", at(30)),
        ("NodeDown12", None),
    ]
    gather = gathered(house)
    for alert in ("NodeDown2", "NodeDown12"):
        assert await gather.evidence("checkout", alert, LATER, "C1") is None
        found = await Incidents(house.db).firings("checkout", alert, LATER, "C1")
        assert len(found) == 1
    known = await gather.evidence("checkout", "NodeDown1", LATER, "C1")
    assert known is not None
    assert [message.text for message in known.messages.values()] == [FIX]
    assert known.statistics is not None
    assert known.statistics.firings == 1


async def test_history_with_nothing_but_bots_has_incidents_and_nothing_that_people_did(house: House) -> None:
    await house.hear(said(at(-5), "now"))
    chatter = [
        alert_said(at(n * 100 + 5), "Chatter")
        | {"text": "rolled back, fixed", "attachments": [], "thread_ts": at(n * 100)}
        for n in range(20)
    ]
    ours = [said(at(n * 100 + 6), FIX, thread_ts=at(n * 100), user=ME.user_id) for n in range(20)]
    fired = [alert_said(at(n * 100), firing=n % 2 == 0) for n in range(20)]
    await house.recall(*fired, *chatter, *ours)
    rows = await house.rows("select state, firings, acknowledged_at from incidents")
    assert rows == [("closed", 1, None)] * 10
    assert await gathered(house).evidence("checkout", "HighErrorRate", LATER, "C1") is None
